import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ipv4Bytes } from '../ipam/ipv4.ts'
import { NetworkNamespace, releaseNamespace, type Sysctl } from '../kernel/namespace.ts'
import { native } from '../kernel/native.ts'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import { createVeth, deleteLink, getLink, parseLink, raisePort, setLink } from '../kernel/rtnetlink/link.ts'
import { setDefaultRoute } from '../kernel/rtnetlink/route.ts'
import { gatewayOf, type Wire } from '../sandbox/sandbox.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'
import { namespaceRefusal, refuseOwnNamespace, wiringRefusal } from './refusal.ts'
import { shapeWire } from './shaper.ts'

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

/** A wire, and the interface index of the bridge that it is plugged into. */
export type Plug = Wire & { readonly bridgeIndex: number }

/** Network namespaces pinned in one folder, and their way out. */
export class Namespaces {
  readonly #folder: string
  /** In the host's namespace, for requests off the event loop only. */
  readonly #host: NetlinkSocket

  constructor(folder: string, route: NetlinkSocket) {
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    this.#folder = folder
    this.#host = route
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

  async make(id: string, plugs: readonly Plug[], fromPath: string | undefined): Promise<void> {
    using made = await this.#pin(id, fromPath)
    try {
      const gateway = gatewayOf(plugs)
      for (const plug of plugs) await this.#wire(made, plug, plug === gateway)
    } catch (error) {
      this.release(id)
      throw error
    }
  }

  async connect(id: string, plug: Plug): Promise<void> {
    using namespace = NetworkNamespace.open(this.path(id))
    await this.#wire(namespace, plug, false)
  }

  async routeThrough(id: string, wire: Wire): Promise<void> {
    using namespace = NetworkNamespace.open(this.path(id))
    const { endpoint, network } = wire
    await namespace.route.requestAsync('set the default route', [
      setDefaultRoute(indexOf(namespace, endpoint.interfaceName), ipv4Bytes(network.bridge.gateway)),
    ])
  }

  async shape(id: string, wire: Wire, bandwidth: Bandwidth): Promise<void> {
    using namespace = NetworkNamespace.open(this.path(id))
    await shapeWire(namespace, this.#host, wire, bandwidth)
  }

  isAlive(id: string): boolean {
    try {
      native.closeDescriptor(native.openNamespace(this.path(id)))
      return true
    } catch {
      return false
    }
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

  /** Leaves nothing when it fails. */
  async #wire(inside: NetworkNamespace, plug: Plug, isGateway: boolean): Promise<void> {
    const { endpoint, network } = plug
    const { mtu, isolated } = network.bridge
    const peer = { name: endpoint.interfaceName, address: endpoint.mac, namespaceFd: inside.fd }
    try {
      await this.#host.requestAsync(`connect to the bridge ${network.bridge.name}`, [
        createVeth({ name: endpoint.portName, mtu, master: plug.bridgeIndex, peer }),
      ])
    } catch (error) {
      throw wiringRefusal(error, endpoint.interfaceName, network.name)
    }
    try {
      await this.#host.requestAsync(`bring up ${endpoint.portName}`, [raisePort({ name: endpoint.portName, isolated })])
      const index = indexOf(inside, endpoint.interfaceName)
      await inside.route.requestAsync(`give ${endpoint.interfaceName} its address`, [
        setLink({ index, up: true }),
        addAddress(index, ipv4Bytes(endpoint.address), network.bridge.subnet.prefixLength),
        ...(isGateway ? [setDefaultRoute(index, ipv4Bytes(network.bridge.gateway))] : []),
      ])
    } catch (error) {
      await this.#unplug(endpoint.portName)
      throw error
    }
  }

  async #unplug(port: string): Promise<void> {
    try {
      await this.#host.requestAsync(`remove ${port}`, [deleteLink(port)])
    } catch (error) {
      // Its namespace went, and took it along.
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }
}

function indexOf(inside: NetworkNamespace, name: string): number {
  const [link] = inside.route.request(`look for ${name}`, [getLink(name)]).map(parseLink)
  if (link === undefined) throw new Error(`there is no interface ${name} in the namespace`)
  return link.index
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
