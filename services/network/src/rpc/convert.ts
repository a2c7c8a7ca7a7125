import { type Partially, toTimestamp } from '@caisson/api'
import type {
  InterfaceCounters as CountersMessage,
  Network as NetworkMessage,
  Sandbox as SandboxMessage,
  Subnet as SubnetMessage,
} from '@caisson/api/network'
import { SandboxMode } from '@caisson/api/network'
import { type Address, formatAddress, formatSubnet } from '../ipam/address.ts'
import { formatIpv4, formatMac } from '../ipam/ipv4.ts'
import { formatIpv6 } from '../ipam/ipv6.ts'
import type { Addresses, BridgeNetwork, Network } from '../network/network.ts'
import type { PublishedPort } from '../publishing/published-port.ts'
import type { InterfaceCounters } from '../sandbox/ports.ts'
import type { Endpoint, SandboxMode as Mode, Sandbox } from '../sandbox/sandbox.ts'
import { portMessage } from './convert-ports.ts'

const modes = {
  none: SandboxMode.NONE,
  host: SandboxMode.HOST,
  bridge: SandboxMode.BRIDGE,
  shared: SandboxMode.SHARED,
} as const satisfies Record<Mode, SandboxMode>

/** What a message about a sandbox needs beyond the sandbox. */
export type SandboxSurroundings = {
  bridge(networkId: string): BridgeNetwork
  namespacePath(id: string): string
  ports(sandboxId: string): readonly PublishedPort[]
}

export function sandboxMessage(sandbox: Sandbox, around: SandboxSurroundings): Partially<SandboxMessage> {
  const { namespace } = sandbox
  return {
    id: sandbox.id,
    mode: modes[sandbox.mode],
    namespacePath: namespace === undefined ? '' : around.namespacePath(namespace.id),
    endpoints: (namespace?.endpoints ?? []).map((endpoint) =>
      endpointMessage(sandbox, endpoint, around.bridge(endpoint.networkId)),
    ),
    ports: around.ports(sandbox.id).map(portMessage),
    resolvConf: sandbox.resolvConf,
    hosts: sandbox.hosts,
    createdAt: toTimestamp(sandbox.createdAt),
  }
}

const endpointMessage = (sandbox: Sandbox, endpoint: Endpoint, network: BridgeNetwork) => ({
  id: endpoint.id,
  networkId: network.id,
  networkName: network.name,
  interfaceName: endpoint.interfaceName,
  macAddress: formatMac(endpoint.mac),
  ipv4Address: `${formatIpv4(endpoint.address)}/${network.bridge.subnet.prefixLength}`,
  ipv4Gateway: network.bridge.internal ? '' : formatIpv4(network.bridge.gateway),
  ...ipv6Of(endpoint, network),
  dnsNames: [...(sandbox.name === '' ? [] : [sandbox.name]), ...endpoint.aliases],
})

/** Empty on a network without IPv6. */
function ipv6Of({ ipv6: address }: Endpoint, { bridge }: BridgeNetwork): { ipv6Address: string; ipv6Gateway: string } {
  const { ipv6 } = bridge
  if (ipv6 === undefined || address === undefined) return { ipv6Address: '', ipv6Gateway: '' }
  return {
    ipv6Address: `${formatIpv6(address)}/${ipv6.subnet.prefixLength}`,
    ipv6Gateway: bridge.internal ? '' : formatIpv6(ipv6.gateway),
  }
}

export const networkMessage = (network: Network, endpoints: number): Partially<NetworkMessage> => ({
  id: network.id,
  name: network.name,
  driver: network.driver,
  labels: { ...network.labels },
  options: { ...network.options },
  createdAt: toTimestamp(network.createdAt),
  builtin: network.builtin,
  endpoints,
  internal: network.bridge?.internal ?? false,
  mtu: network.bridge?.mtu ?? 0,
  ipv6: network.bridge?.ipv6 !== undefined,
  subnets: [network.bridge, network.bridge?.ipv6].filter((each) => each !== undefined).map(subnetMessage),
})

const subnetMessage = ({ subnet, gateway, range, auxiliary }: Addresses<Address>): Partially<SubnetMessage> => ({
  subnet: formatSubnet(subnet),
  gateway: formatAddress(gateway),
  ipRange: range.prefixLength === subnet.prefixLength ? '' : formatSubnet(range),
  auxiliaryAddresses: Object.fromEntries(
    Object.entries(auxiliary).map(([name, address]) => [name, formatAddress(address)]),
  ),
})

export function countersMessage(entry: {
  sandboxId: string
  interfaceName: string
  counters: InterfaceCounters
}): Partially<CountersMessage> {
  const { counters } = entry
  return {
    sandboxId: entry.sandboxId,
    interfaceName: entry.interfaceName,
    rxBytes: Number(counters.rxBytes),
    rxPackets: Number(counters.rxPackets),
    rxErrors: Number(counters.rxErrors),
    rxDropped: Number(counters.rxDropped),
    txBytes: Number(counters.txBytes),
    txPackets: Number(counters.txPackets),
    txErrors: Number(counters.txErrors),
    txDropped: Number(counters.txDropped),
  }
}
