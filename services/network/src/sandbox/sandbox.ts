import type { Ipv4 } from '../ipam/ipv4.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { PortWish, Target } from '../publishing/published-port.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'

/** A network namespace with its loopback up and its connections to networks. Complete or absent. */
export type Namespace = {
  /** 16 hexadecimal digits; also the name of its pin. */
  readonly id: string
  /** In the order in which they were made; none: only loopback. */
  readonly endpoints: readonly Endpoint[]
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
  /** More names on this network. */
  readonly aliases: readonly string[]
  /** Of all endpoints of a namespace the one with the highest gives the default route. */
  readonly gatewayPriority: number
}

/** An endpoint and the network that it belongs to. */
export type Wire = { readonly endpoint: Endpoint; readonly network: BridgeNetwork }

/**
 * The wire that the default route goes through: of the highest priority, and the first among equals. Undefined when
 * every network is internal.
 */
export function gatewayOf(wires: readonly Wire[]): Wire | undefined {
  const [first, ...others] = wires.filter(({ network }) => !network.bridge.internal)
  return others.reduce(
    (best, wire) =>
      best !== undefined && wire.endpoint.gatewayPriority <= best.endpoint.gatewayPriority ? best : wire,
    first,
  )
}

export type SandboxMode = 'none' | 'host' | 'bridge' | 'shared'

export type Sandbox = {
  readonly id: string
  readonly name: string
  readonly mode: SandboxMode
  readonly labels: Readonly<Record<string, string>>
  /** With its domain, if it has one. With mode shared this and `dns` are those of the sandbox that is shared. */
  readonly hostname: string
  readonly dns: DnsConfig
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
  /** What is asked when no network knows the name; none: the host's own. */
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
  /** With mode bridge only. */
  readonly bandwidth?: Bandwidth
  readonly wish: SandboxWish
}

export type SandboxWish =
  | { readonly mode: 'host' }
  | { readonly mode: 'none'; readonly namespacePath: string | undefined }
  | { readonly mode: 'shared'; readonly sandboxId: string }
  | {
      readonly mode: 'bridge'
      readonly namespacePath: string | undefined
      readonly attachments: readonly [Attachment, ...Attachment[]]
    }

export type Attachment = {
  /** Id, name or unique id prefix. */
  readonly network: string
  readonly address: Ipv4 | undefined
  readonly mac: Uint8Array | undefined
  /** Undefined: the first of eth0, eth1, and so on, that is free. */
  readonly interfaceName: string | undefined
  readonly aliases: readonly string[]
  readonly gatewayPriority: number
}

/** The first of eth0, eth1, and so on, that is not taken. */
export function freeInterfaceName(taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) if (!taken.has(`eth${number}`)) return `eth${number}`
}

/** Where published ports lead: through the network of the default route, or the first one. */
export function targetOf(wires: readonly Wire[]): Target | undefined {
  const endpoint = (gatewayOf(wires) ?? wires[0])?.endpoint
  return endpoint && { address: endpoint.address, portName: endpoint.portName }
}
