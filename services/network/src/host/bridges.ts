import { readFileSync, writeFileSync } from 'node:fs'
import { conflict } from '@caisson/api'
import { ipv4Bytes, macOf } from '../ipam/ipv4.ts'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
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
import { BRIDGE_PREFIX, PORT_PREFIX } from './firewall-rules.ts'
import { LinkRemovals } from './link-removals.ts'

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** The bridges of this engine's networks, in the host's own namespace. */
export class Bridges implements Disposable {
  readonly #route: NetlinkSocket
  readonly #removals: LinkRemovals
  readonly #tag: string
  /** This service turned forwarding on. */
  #turnedOn: boolean

  /** `turnedOn`: whether an earlier run did so. */
  constructor(tag: string, route: NetlinkSocket, turnedOn: boolean) {
    this.#tag = tag
    this.#route = route
    this.#turnedOn = turnedOn
    this.#removals = new LinkRemovals(this.#group)
  }

  find(name: string): Link | undefined {
    return this.at(name)
  }

  /** Any interface of the host, by name or index. */
  at(link: string | number): Link | undefined {
    try {
      return this.#route
        .request(`look for the interface ${link}`, [getLink(link)])
        .map(parseLink)
        .find((found) => found !== undefined)
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

  /** The bridges of this engine. */
  own(): Link[] {
    return this.#links({ kind: 'bridge' }).filter((link) => this.isOwn(link))
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
    this.#withoutIpv6(name)
    this.#route.request(`set up the bridge ${name}`, [
      setLink({ index: link.index, up: true, mtu }),
      addAddress(link.index, ipv4Bytes(gateway), subnet.prefixLength),
    ])
    return link
  }

  remove(name: string): void {
    const link = this.find(name)
    if (link !== undefined && this.isOwn(link)) this.#remove(name)
  }

  /** As remove, all of them in the time of one. */
  removeAll(names: ReadonlySet<string>): void {
    this.#removeAtOnce(this.own().filter((link) => names.has(link.name)))
  }

  async removeAsync(name: string): Promise<void> {
    const link = this.find(name)
    if (link !== undefined && this.isOwn(link)) await this.#removals.remove(link.index)
  }

  /** Off the event loop; one that is gone is no error. */
  async removePort(name: string): Promise<void> {
    const link = this.find(name)
    if (link !== undefined) await this.#removals.remove(link.index)
  }

  /** Removes own bridges and ports of bridges, but for those of these names. */
  removeStrays(kept: { bridges: ReadonlySet<string>; ports: ReadonlySet<string> }): void {
    const isStray = (link: Link): boolean =>
      (link.name.startsWith(`${PORT_PREFIX}${this.#tag}`) && !kept.ports.has(link.name)) ||
      (this.isOwn(link) && !kept.bridges.has(link.name))
    this.#removeAtOnce(this.#links().filter(isStray))
  }

  [Symbol.dispose](): void {
    this.#removals[Symbol.dispose]()
  }

  #remove(name: string): void {
    try {
      this.#route.request(`remove the interface ${name}`, [deleteLink(name)])
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }

  #removeAtOnce(links: readonly Link[]): void {
    try {
      for (const { index } of links)
        this.#route.request('mark an interface to be removed', [setLink({ index, group: this.#group })])
      if (links.length > 0) this.#route.request('remove interfaces', [deleteGroup(this.#group)])
    } catch (error) {
      // Its namespace took one along meanwhile: then each for itself.
      if (!hasCode(error, 'ENODEV')) throw error
      for (const { name } of links) this.#remove(name)
    }
  }

  #links(only?: { kind: string }): Link[] {
    return this.#route.dump('list interfaces', dumpLinks(only)).flatMap((answer) => parseLink(answer) ?? [])
  }

  /** A group of links that only those of this engine are in. */
  get #group(): number {
    return this.#mark(0).readUInt32BE(1)
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
    if (this.#links({ kind: 'bridge' }).length === 0) writeFileSync(IP_FORWARD, '0')
  }

  // Networks with IPv4 only: no link-local address, and nobody's router is believed.
  #withoutIpv6(name: string): void {
    try {
      writeFileSync(`/proc/sys/net/ipv6/conf/${name}/accept_ra`, '0')
      writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1')
    } catch (error) {
      // A kernel without IPv6 has no such file.
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
}
