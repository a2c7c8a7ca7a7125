import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { addressBytes } from '../ipam/address.ts'
import { ipv4Bytes } from '../ipam/ipv4.ts'
import { ipv6Bytes, linkLocalOf } from '../ipam/ipv6.ts'
import type { Message } from '../kernel/message.ts'
import { NetworkNamespace, releaseNamespace, type Sysctl } from '../kernel/namespace.ts'
import { native } from '../kernel/native.ts'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import {
  createVeth,
  deleteLink,
  getLink,
  parseLink,
  parseLinkCounters,
  raisePort,
  setLink,
} from '../kernel/rtnetlink/link.ts'
import { setDefaultRoute } from '../kernel/rtnetlink/route.ts'
import type { InterfaceCounters } from '../sandbox/ports.ts'
import { type Family, gatewayOf, type Wire } from '../sandbox/sandbox.ts'
import { namespaceRefusal, refuseOwnNamespace, wiringRefusal } from './refusal.ts'

// Containers need no capability to listen on a low port or to ping.
const settings: readonly Sysctl[] = [
  ['ipv4/ip_unprivileged_port_start', '0'],
  ['ipv4/ping_group_range', '0 2147483647'],
]

const isOff = (ipv6: boolean): '0' | '1' => (ipv6 ? '0' : '1')

/** For interfaces that are made later: the loopback keeps ::1, and nobody's router is believed. */
const ipv6Settings = (ipv6: boolean): readonly Sysctl[] => [
  ['ipv6/conf/default/disable_ipv6', isOff(ipv6)],
  ['ipv6/conf/default/addr_gen_mode', ADDRESSES_BY_HAND],
  ['ipv6/conf/default/accept_ra', '0'],
  ['ipv6/conf/all/accept_ra', '0'],
]

// IN6_ADDR_GEN_MODE_NONE
const ADDRESSES_BY_HAND = '1'

const hasIpv6 = ({ network }: Wire): boolean => network.bridge.ipv6 !== undefined

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
    const ipv6 = plugs.some(hasIpv6)
    using made = await this.#pin(id, fromPath, ipv6)
    try {
      const gateways = [gatewayOf(plugs), gatewayOf(plugs, 'ipv6')] as const
      for (const plug of plugs) await this.#wire(made, plug, gateways, hasIpv6(plug) === ipv6)
    } catch (error) {
      this.release(id)
      throw error
    }
  }

  async connect(id: string, plug: Plug): Promise<void> {
    using namespace = NetworkNamespace.open(this.path(id))
    await this.#wire(namespace, plug, [undefined, undefined], false)
  }

  async routeThrough(id: string, { endpoint, network }: Wire, family: Family): Promise<void> {
    const gateway = family === 'ipv4' ? network.bridge.gateway : network.bridge.ipv6?.gateway
    if (gateway === undefined) throw new Error(`the network ${network.name} has no ${family} to route through`)
    using namespace = NetworkNamespace.open(this.path(id))
    await namespace.route.requestAsync(`set the default route of ${family}`, [
      setDefaultRoute(indexOf(namespace, endpoint.interfaceName), addressBytes(gateway)),
    ])
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

  async #pin(id: string, fromPath: string | undefined, ipv6: boolean): Promise<NetworkNamespace> {
    const sysctls = kernelHasIpv6() ? [...settings, ...ipv6Settings(ipv6)] : settings
    if (fromPath === undefined) return NetworkNamespace.create(this.path(id), sysctls)
    const fd = openForeign(fromPath)
    try {
      return await NetworkNamespace.create(this.path(id), sysctls, fd)
    } finally {
      native.closeDescriptor(fd)
    }
  }

  /**
   * `gateways`: the wires of the default routes. `settled`: an interface that is made now has IPv6 on or off as this one
   * is to have it. Leaves nothing when it fails.
   */
  async #wire(
    inside: NetworkNamespace,
    plug: Plug,
    gateways: readonly [Wire | undefined, Wire | undefined],
    settled: boolean,
  ): Promise<void> {
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
      if (!settled && kernelHasIpv6())
        await inside.write([[`ipv6/conf/${endpoint.interfaceName}/disable_ipv6`, isOff(hasIpv6(plug))]])
      const index = indexOf(inside, endpoint.interfaceName)
      await inside.route.requestAsync(`give ${endpoint.interfaceName} its address`, [
        setLink({ index, up: true }),
        addAddress(index, ipv4Bytes(endpoint.address), network.bridge.subnet.prefixLength),
        ...(plug === gateways[0] ? [setDefaultRoute(index, ipv4Bytes(network.bridge.gateway))] : []),
        ...ipv6Messages(index, plug, plug === gateways[1]),
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

const kernelHasIpv6 = (): boolean => existsSync('/proc/sys/net/ipv6')

/** Its address, that of the link (which neighbours are asked with), and the default route. */
function ipv6Messages(index: number, { endpoint, network }: Wire, isGateway: boolean): Message[] {
  const { ipv6 } = network.bridge
  if (ipv6 === undefined || endpoint.ipv6 === undefined) return []
  return [
    addAddress(index, ipv6Bytes(linkLocalOf(endpoint.mac)), LINK_LOCAL_PREFIX),
    addAddress(index, ipv6Bytes(endpoint.ipv6), ipv6.subnet.prefixLength),
    ...(isGateway ? [setDefaultRoute(index, ipv6Bytes(ipv6.gateway))] : []),
  ]
}

const LINK_LOCAL_PREFIX = 64

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
