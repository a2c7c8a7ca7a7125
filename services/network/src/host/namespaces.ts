import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ipv4Bytes } from '../ipam/ipv4.ts'
import { NetworkNamespace, releaseNamespace, type Sysctl } from '../kernel/namespace.ts'
import { native } from '../kernel/native.ts'
import type { NetlinkSocket } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import { createVeth, getLink, parseLink, parseLinkCounters, raisePort, setLink } from '../kernel/rtnetlink/link.ts'
import { setDefaultRoute } from '../kernel/rtnetlink/route.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { InterfaceCounters } from '../sandbox/ports.ts'
import { isWired, type Namespace, type WiredNamespace } from '../sandbox/sandbox.ts'
import { namespaceRefusal, refuseOwnNamespace, wiringRefusal } from './refusal.ts'

// Containers need no capability to listen on a low port or to ping.
const settings: readonly Sysctl[] = [
  ['ipv4/ip_unprivileged_port_start', '0'],
  ['ipv4/ping_group_range', '0 2147483647'],
]

// For interfaces that are made later: the loopback keeps ::1.
const ipv6Settings: readonly Sysctl[] = [
  ['ipv6/conf/default/disable_ipv6', '1'],
  ['ipv6/conf/default/accept_ra', '0'],
  ['ipv6/conf/all/accept_ra', '0'],
]

/** Network namespaces pinned in one folder, and their way out. */
export class Namespaces {
  readonly #folder: string
  /** In the host's namespace, for requests off the event loop only. */
  readonly #route: NetlinkSocket

  constructor(folder: string, route: NetlinkSocket) {
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    this.#folder = folder
    this.#route = route
  }

  path(id: string): string {
    return join(this.#folder, id)
  }

  pins(): string[] {
    return readdirSync(this.#folder)
  }

  release(id: string): void {
    releaseNamespace(this.path(id))
  }

  /** `bridge`: network and interface index of the bridge that a wired one becomes a port of. */
  async make(
    namespace: Namespace,
    bridge: { network: BridgeNetwork; index: number } | undefined,
    fromPath: string | undefined,
  ): Promise<void> {
    using made = await this.#pin(namespace.id, fromPath)
    try {
      if (isWired(namespace) && bridge !== undefined) await this.#wire(made, namespace, bridge)
    } catch (error) {
      this.release(namespace.id)
      throw wiringRefusal(error, namespace.endpoint?.interfaceName ?? '', bridge?.network.name ?? '')
    }
  }

  isAlive(id: string): boolean {
    try {
      native.closeDescriptor(native.openNamespace(this.path(id)))
      return true
    } catch {
      return false
    }
  }

  counters(id: string, interfaceName: string): InterfaceCounters {
    using namespace = NetworkNamespace.open(this.path(id))
    const [counters] = namespace.route
      .request(`read the counters of ${interfaceName}`, [getLink(interfaceName)])
      .map(parseLinkCounters)
    if (counters === undefined) throw new Error(`the kernel has no counters of ${interfaceName}`)
    return counters
  }

  async #pin(id: string, fromPath: string | undefined): Promise<NetworkNamespace> {
    const sysctls = existsSync('/proc/sys/net/ipv6') ? [...settings, ...ipv6Settings] : settings
    if (fromPath === undefined) return NetworkNamespace.create(this.path(id), sysctls)
    const fd = openForeign(fromPath)
    try {
      return await NetworkNamespace.create(this.path(id), sysctls, fd)
    } finally {
      native.closeDescriptor(fd)
    }
  }

  async #wire(
    inside: NetworkNamespace,
    { endpoint }: WiredNamespace,
    { network, index }: { network: BridgeNetwork; index: number },
  ): Promise<void> {
    const { bridge } = network
    const peer = { name: endpoint.interfaceName, address: endpoint.mac, namespaceFd: inside.fd }
    await this.#route.requestAsync(`connect to the bridge ${bridge.name}`, [
      createVeth({ name: endpoint.portName, mtu: bridge.mtu, master: index, peer }),
      raisePort({ name: endpoint.portName, isolated: bridge.isolated }),
    ])
    const [link] = inside.route.request(`look for ${peer.name}`, [getLink(peer.name)]).map(parseLink)
    if (link === undefined) throw new Error(`the interface ${peer.name} was not made`)
    await inside.route.requestAsync(`give ${peer.name} its address`, [
      setLink({ index: link.index, up: true }),
      addAddress(link.index, ipv4Bytes(endpoint.address), bridge.subnet.prefixLength),
      setDefaultRoute(link.index, ipv4Bytes(bridge.gateway)),
    ])
  }
}

/** By descriptor from here on: what is checked is what is used. */
function openForeign(path: string): number {
  let fd: number
  try {
    fd = native.openNamespace(path)
  } catch (error) {
    throw namespaceRefusal(error, path)
  }
  try {
    refuseOwnNamespace(fd, path)
    return fd
  } catch (error) {
    native.closeDescriptor(fd)
    throw error
  }
}
