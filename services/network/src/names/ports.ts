/** Where a question goes that no network of the asker answers. */
export type Forwarder = { readonly address: string; readonly port: number }

/** What a namespace may look up. */
export type NameView = {
  /** Ids of its networks, in the order in which they are asked. */
  readonly networks: readonly string[]
  /** Where the rest is asked, from the host: 'host' stands for the host's own name servers; none: nowhere. */
  readonly forwardTo: 'host' | readonly Forwarder[]
}

/**
 * The DNS servers inside namespaces, at 127.0.0.11. What is said here is remembered and holds until it is changed, whatever
 * happens to the process that answers.
 */
export type NameServer = {
  /** Opens 127.0.0.11:53 (UDP and TCP) in the namespace that is pinned at `path`. Answers nothing before it has a view. */
  open(namespaceId: string, path: string): Promise<void>
  close(namespaceId: string): void
  setView(namespaceId: string, view: NameView): void
  /** The addresses (IPv4, IPv6) of a name on a network, in place of those it had; none: the name is gone. Case does not matter. */
  setName(networkId: string, name: string, addresses: readonly string[]): void
  /** The name that an address reverses to on a network; undefined: none. */
  setReverse(networkId: string, address: string, name: string | undefined): void
  forgetNetwork(networkId: string): void
  /** The host's own name servers, whenever they change. */
  setHostServers(servers: readonly Forwarder[]): void
}
