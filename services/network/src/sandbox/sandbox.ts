import type { Ipv4 } from '../ipam/ipv4.ts'
import type { PortWish } from '../publishing/published-port.ts'

/** A network namespace with its loopback up and, but for a bare one, a connection to a network. Complete or absent. */
export type Namespace = {
  /** 16 hexadecimal digits; also the name of its pin. */
  readonly id: string
  readonly endpoint: Endpoint | undefined
}

/** A connection to a network: an address and a bridge port that nobody else has. */
export type Endpoint = {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly networkId: string
  /** Inside. */
  readonly interfaceName: string
  readonly mac: Uint8Array
  readonly address: Ipv4
  /** The other end of the interface, a port of the network's bridge. */
  readonly portName: string
}

export type WiredNamespace = Namespace & { readonly endpoint: Endpoint }

export const isWired = (namespace: Namespace): namespace is WiredNamespace => namespace.endpoint !== undefined

export type SandboxMode = 'none' | 'host' | 'bridge' | 'shared'

export type Sandbox = {
  readonly id: string
  readonly name: string
  readonly mode: SandboxMode
  readonly labels: Readonly<Record<string, string>>
  /** Undefined with `host`. */
  readonly namespace: Namespace | undefined
  readonly resolvConf: string
  readonly hosts: string
  /** Nanoseconds since 1970. */
  readonly createdAt: bigint
  /** What it was made from, to tell a retry from another request with the same id. */
  readonly request: string
}

export type DnsConfig = {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
  /** Name to address, or to "host-gateway". */
  readonly extraHosts: Readonly<Record<string, string>>
}

/** Checked at the edge. */
export type SandboxRequest = {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly labels: Readonly<Record<string, string>>
  readonly dns: DnsConfig
  /** With mode bridge only. */
  readonly ports: readonly PortWish[]
  readonly wish: SandboxWish
}

export type SandboxWish =
  | { readonly mode: 'host' }
  | { readonly mode: 'none'; readonly namespacePath: string | undefined }
  | { readonly mode: 'shared'; readonly sandboxId: string }
  | { readonly mode: 'bridge'; readonly namespacePath: string | undefined; readonly attachment: Attachment }

export type Attachment = {
  /** Id, name or unique id prefix. */
  readonly network: string
  readonly address: Ipv4 | undefined
  readonly mac: Uint8Array | undefined
  readonly interfaceName: string
}

export const DEFAULT_INTERFACE = 'eth0'
