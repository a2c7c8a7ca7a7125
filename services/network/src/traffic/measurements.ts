import type { MeasuredValue, Measurement } from '@caisson/service-kit'
import type { InterfaceCounters } from './counters.ts'
import type { InterfaceTraffic, NetworkTraffic } from './traffic.ts'

export type NetworkFigures = {
  /** How many networks, by driver; sandboxes, by mode. */
  readonly networks: ReadonlyMap<string, number>
  readonly sandboxes: ReadonlyMap<string, number>
  /** Namespaces that wait to be taken. */
  readonly ready: number
  readonly publishedPorts: number
  /** How often the firewall's rules were put back. */
  readonly repairs: number
  readonly traffic: { readonly interfaces: readonly InterfaceTraffic[]; readonly networks: readonly NetworkTraffic[] }
}

/** What the service tells Prometheus. Directions are those of containers. */
export const measurementsOf = (figures: NetworkFigures): Measurement[] => [
  gauge('networks', 'Networks, by driver.', byLabel('driver', figures.networks)),
  gauge('sandboxes', 'Sandboxes, by mode.', byLabel('mode', figures.sandboxes)),
  gauge('ready_namespaces', 'Namespaces that wait to be taken.', plain(figures.ready)),
  gauge('published_ports', 'Ports of the host that lead into sandboxes.', plain(figures.publishedPorts)),
  {
    name: 'caisson_network_firewall_repairs_total',
    help: 'How often somebody removed the firewall rules and they were put back.',
    kind: 'counter',
    values: plain(figures.repairs),
  },
  ...trafficOf(
    'caisson_network',
    'by all containers of a network, those that are gone included',
    figures.traffic.networks.map(({ networkName, counters }) => ({ labels: { network: networkName }, counters })),
  ),
  ...trafficOf(
    'caisson_network_container',
    'by an interface of a container that is there',
    figures.traffic.interfaces.map(({ sandboxId, sandboxName, networkName, interfaceName, counters }) => ({
      labels: { sandbox: sandboxId, container: sandboxName, network: networkName, interface: interfaceName },
      counters,
    })),
  ),
]

const kinds: readonly (readonly [name: string, help: string, key: keyof InterfaceCounters])[] = [
  ['receive_bytes', 'Bytes received', 'rxBytes'],
  ['receive_packets', 'Packets received', 'rxPackets'],
  ['receive_errors', 'Errors while receiving', 'rxErrors'],
  ['receive_dropped', 'Packets dropped while receiving', 'rxDropped'],
  ['transmit_bytes', 'Bytes sent', 'txBytes'],
  ['transmit_packets', 'Packets sent', 'txPackets'],
  ['transmit_errors', 'Errors while sending', 'txErrors'],
  ['transmit_dropped', 'Packets dropped while sending', 'txDropped'],
]

const trafficOf = (
  prefix: string,
  by: string,
  entries: readonly { readonly labels: Readonly<Record<string, string>>; readonly counters: InterfaceCounters }[],
): Measurement[] =>
  kinds.map(([name, help, key]) => ({
    name: `${prefix}_${name}_total`,
    help: `${help} ${by}.`,
    kind: 'counter',
    values: entries.map(({ labels, counters }) => ({ labels, value: counters[key] })),
  }))

const gauge = (name: string, help: string, values: readonly MeasuredValue[]): Measurement => ({
  name: `caisson_network_${name}`,
  help,
  kind: 'gauge',
  values,
})

const plain = (value: number): MeasuredValue[] => [{ labels: {}, value }]

const byLabel = (label: string, counts: ReadonlyMap<string, number>): MeasuredValue[] =>
  [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }))
