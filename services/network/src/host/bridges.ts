import { readFileSync, writeFileSync } from 'node:fs'
import { conflict } from '@caisson/api'
import { ipv4Bytes, macOf } from '../ipam/ipv4.ts'
import { hasCode, NETLINK_ROUTE, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import {
  createBridge,
  deleteGroup,
  deleteLink,
  dumpLinks,
  getLink,
  type Link,
  parseLink,
  setLink,
} from '../kernel/rtnetlink/link.ts'
import type { BridgeNetwork } from '../network/network.ts'
import { ipv6AddressesOf, switchIpv6Off, switchIpv6On } from './bridge-ipv6.ts'
import { BRIDGE_PREFIX, PORT_PREFIX } from './firewall-rules.ts'

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** The bridges of this engine's networks, in the host's own namespace. */
export class Bridges implements Disposable {
  readonly #route: NetlinkSocket
  readonly #removal = NetlinkSocket.open(NETLINK_ROUTE)
  readonly #tag: string
  /** This service turned forwarding on. */
  #turnedOn: boolean

  /** `turnedOn`: whether an earlier run did so. */
  constructor(tag: string, route: NetlinkSocket, turnedOn: boolean) {
    this.#tag = tag
    this.#route = route
    this.#turnedOn = turnedOn
  }

  find(name: string): Link | undefined {
    try {
      return this.#route
        .request(`look for the interface ${name}`, [getLink(name)])
        .map(parseLink)
        .find((link) => link !== undefined)
    } catch (error) {
      if (hasCode(error, 'ENODEV')) return undefined
      throw error
    }
  }

  /** Whether the link is a bridge of this engine: by its name, or, where somebody chose that, by its MAC address. */
  isOwn(link: Link): boolean {
    const marked = link.address.subarray(0, 5).equals(this.#mark(0).subarray(0, 5))
    return link.kind === 'bridge' && (marked || link.name.startsWith(`${BRIDGE_PREFIX}${this.#tag}`))
  }

  /** Throws INTERFACE_EXISTS when the name is that of somebody else's interface. */
  stands({ name, bridge }: BridgeNetwork): boolean {
    const link = this.find(bridge.name)
    if (link === undefined || this.isOwn(link)) return link !== undefined
    throw conflict(
      'INTERFACE_EXISTS',
      `the host has an interface ${bridge.name} of somebody else: remove it, or give the network ${name} another bridge`,
    )
  }

  /** Makes the bridge as it should be, or mends it. */
  raise(network: BridgeNetwork): Link {
    const { bridge, builtin, id } = network
    const { name, mtu, gateway, subnet } = bridge
    const address = builtin ? macOf(gateway) : this.#mark(Number.parseInt(id.slice(0, 2), 16))
    if (!this.stands(network)) this.#route.request(`make the bridge ${name}`, [createBridge({ name, mtu, address })])
    const link = this.find(name)
    if (link === undefined) throw new Error(`the bridge ${name} is gone again`)
    if (bridge.ipv6 === undefined) switchIpv6Off(name)
    else switchIpv6On(network)
    this.#route.request(`set up the bridge ${name}`, [
      setLink({ index: link.index, up: true, mtu }),
      addAddress(link.index, ipv4Bytes(gateway), subnet.prefixLength),
      ...ipv6AddressesOf(link.index, link.address, network),
    ])
    return link
  }

  remove(name: string): void {
    const link = this.find(name)
    if (link !== undefined && this.isOwn(link)) this.#remove(name)
  }

  /** As remove, all of them in the time of one. */
  removeAll(names: ReadonlySet<string>): void {
    const links = this.#links().filter((link) => names.has(link.name) && this.isOwn(link))
    if (links.length === 0) return
    const group = this.#mark(0).readUInt32BE(1)
    this.#route.request(
      'mark bridges to be removed',
      links.map(({ index }) => setLink({ index, group })),
    )
    this.#route.request('remove bridges', [deleteGroup(group)])
  }

  async removeAsync(name: string): Promise<void> {
    const link = this.find(name)
    if (link !== undefined && this.isOwn(link)) await this.removePort(name)
  }

  /** Off the event loop; one that is gone is no error. */
  async removePort(name: string): Promise<void> {
    try {
      await this.#removal.requestAsync(`remove the interface ${name}`, [deleteLink(name)])
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }

  /** Removes own bridges and ports of bridges, but for those of these names. */
  removeStrays(kept: { bridges: ReadonlySet<string>; ports: ReadonlySet<string> }): void {
    for (const link of this.#links()) {
      const port = link.name.startsWith(`${PORT_PREFIX}${this.#tag}`) && !kept.ports.has(link.name)
      if (port || (this.isOwn(link) && !kept.bridges.has(link.name))) this.#remove(link.name)
    }
  }

  [Symbol.dispose](): void {
    this.#removal[Symbol.dispose]()
  }

  #remove(name: string): void {
    try {
      this.#route.request(`remove the interface ${name}`, [deleteLink(name)])
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }

  #links(): Link[] {
    return this.#route.dump('list interfaces', dumpLinks()).flatMap((answer) => parseLink(answer) ?? [])
  }

  /** A locally administered MAC address that only bridges of this engine have. */
  #mark(last: number): Buffer {
    return Buffer.from([0x0a, 0x43, ...Buffer.from(this.#tag, 'hex'), last])
  }

  /** Lets the host forward; returns whether that had to be turned on. */
  forward(): boolean {
    if (readFileSync(IP_FORWARD, 'utf8').trim() === '1') return this.#turnedOn
    writeFileSync(IP_FORWARD, '1')
    this.#turnedOn = true
    return true
  }

  /** Undoes forward, unless another bridge on this host may rely on it by now. */
  restoreForwarding(): void {
    if (!this.#turnedOn) return
    this.#turnedOn = false
    if (this.areAllGone()) writeFileSync(IP_FORWARD, '0')
  }

  /** Whether the host has no bridge at all. */
  areAllGone(): boolean {
    return !this.#links().some((link) => link.kind === 'bridge')
  }
}
