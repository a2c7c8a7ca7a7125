import { writeFileSync } from 'node:fs'
import { failedPrecondition } from '@caisson/api'
import { ipv6Bytes, linkLocalOf } from '../ipam/ipv6.ts'
import type { Message } from '../kernel/message.ts'
import { hasCode } from '../kernel/netlink-socket.ts'
import { addAddress } from '../kernel/rtnetlink/address.ts'
import type { BridgeNetwork } from '../network/network.ts'

const LINK_LOCAL_PREFIX = 64
// IN6_ADDR_GEN_MODE_NONE
const ADDRESSES_BY_HAND = '1'

const setting = (bridge: string, name: string): string => `/proc/sys/net/ipv6/conf/${bridge}/${name}`

/** Networks with IPv4 only: no address of the link, and nobody's router is believed. */
export function switchIpv6Off(bridge: string): void {
  try {
    writeFileSync(setting(bridge, 'accept_ra'), '0')
    writeFileSync(setting(bridge, 'disable_ipv6'), '1')
  } catch (error) {
    // A kernel without IPv6 has no such file.
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** Throws IPV6_UNAVAILABLE when the kernel has none. */
export function switchIpv6On({ name, bridge }: BridgeNetwork): void {
  try {
    for (const [file, value] of [
      ['accept_ra', '0'],
      ['addr_gen_mode', ADDRESSES_BY_HAND],
      ['disable_ipv6', '0'],
    ] as const)
      writeFileSync(setting(bridge.name, file), value)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw failedPrecondition(
      'IPV6_UNAVAILABLE',
      `the kernel of this host has no IPv6, which the network ${name} is to have: start it without ipv6.disable=1`,
      { cause: error },
    )
  }
}

/** The gateway, and the address of the link, which the host asks for neighbours with when it forwards for others. */
export function ipv6AddressesOf(index: number, mac: Uint8Array, { bridge: { ipv6 } }: BridgeNetwork): Message[] {
  if (ipv6 === undefined) return []
  return [
    addAddress(index, ipv6Bytes(linkLocalOf(mac)), LINK_LOCAL_PREFIX),
    addAddress(index, ipv6Bytes(ipv6.gateway), ipv6.subnet.prefixLength),
  ]
}
