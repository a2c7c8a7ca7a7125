import { type Partially, toTimestamp } from '@caisson/api'
import type {
  InterfaceCounters as CountersMessage,
  Network as NetworkMessage,
  Sandbox as SandboxMessage,
  Subnet as SubnetMessage,
} from '@caisson/api/network'
import { SandboxMode } from '@caisson/api/network'
import { formatIpv4, formatMac, formatSubnet } from '../ipam/ipv4.ts'
import { dnsNamesOf } from '../names/dns-names.ts'
import type { Bridge, BridgeNetwork, Network } from '../network/network.ts'
import type { PublishedPort } from '../publishing/published-port.ts'
import type { Endpoint, SandboxMode as Mode, Sandbox } from '../sandbox/sandbox.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'
import type { InterfaceTraffic } from '../traffic/traffic.ts'
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
  bandwidth(sandboxId: string): Bandwidth
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
    egressBitsPerSecond: around.bandwidth(sandbox.id).egress,
    ingressBitsPerSecond: around.bandwidth(sandbox.id).ingress,
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
  dnsNames: dnsNamesOf(sandbox, endpoint),
})

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
  subnets: network.bridge === undefined ? [] : [subnetMessage(network.bridge)],
})

const subnetMessage = ({ subnet, gateway, range, auxiliary }: Bridge): Partially<SubnetMessage> => ({
  subnet: formatSubnet(subnet),
  gateway: formatIpv4(gateway),
  ipRange: range.prefixLength === subnet.prefixLength ? '' : formatSubnet(range),
  auxiliaryAddresses: Object.fromEntries(
    Object.entries(auxiliary).map(([name, address]) => [name, formatIpv4(address)]),
  ),
})

export function countersMessage(entry: InterfaceTraffic): Partially<CountersMessage> {
  const { counters } = entry
  return {
    sandboxId: entry.sandboxId,
    interfaceName: entry.interfaceName,
    networkId: entry.networkId,
    networkName: entry.networkName,
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
