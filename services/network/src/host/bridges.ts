import { readFileSync, writeFileSync } from 'node:fs'
import { ipv4Bytes, macOf } from '../ipam/ipv4.ts'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import {
  createBridge,
  deleteLink,
  dumpLinks,
  getLink,
  type Link,
  parseLink,
  setLink,
} from '../kernel/rtnetlink/link.ts'
import type { BridgeNetwork } from '../network/network.ts'

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** The bridges of this engine's networks, in the host's own namespace. */
export class Bridges {
  readonly #route: NetlinkSocket
  /** This service turned forwarding on. */
  #turnedOn: boolean

  /** `turnedOn`: whether an earlier run did so. */
  constructor(route: NetlinkSocket, turnedOn: boolean) {
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

  /** Makes the bridge as it should be, or mends it. */
  raise({ bridge }: BridgeNetwork): Link {
    const gateway = bridge.gateway
    if (this.find(bridge.name) === undefined)
      this.#route.request(`make the bridge ${bridge.name}`, [
        createBridge({ name: bridge.name, mtu: bridge.mtu, address: macOf(gateway) }),
      ])
    const link = this.find(bridge.name)
    if (link?.kind !== 'bridge') throw new Error(`the interface ${bridge.name} is there but is not a bridge: remove it`)
    this.#withoutIpv6(bridge.name)
    this.#route.request(`set up the bridge ${bridge.name}`, [
      setLink({ index: link.index, up: true, mtu: bridge.mtu }),
      addAddress(link.index, ipv4Bytes(gateway), bridge.subnet.prefixLength),
    ])
    return link
  }

  remove(name: string): void {
    if (this.find(name) === undefined) return
    try {
      this.#route.request(`remove the bridge ${name}`, [deleteLink(name)])
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
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
    const others = this.#route.dump('list interfaces', dumpLinks()).map(parseLink)
    if (!others.some((link) => link?.kind === 'bridge')) writeFileSync(IP_FORWARD, '0')
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
