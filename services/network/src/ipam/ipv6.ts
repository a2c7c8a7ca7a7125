import { isIPv6 } from 'node:net'

/** An IPv6 address as an unsigned number of 128 bits. */
export type Ipv6 = bigint

const GROUPS = 8

/** Hexadecimal groups, with `::` at most once; undefined for anything else, zones and dotted endings included. */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (!isIPv6(text) || /[%.]/.test(text)) return undefined
  const [head = [], tail] = text.split('::').map((part) => (part === '' ? [] : part.split(':')))
  const between = tail === undefined ? [] : Array<string>(GROUPS - head.length - tail.length).fill('0')
  return [...head, ...between, ...(tail ?? [])].reduce(
    (sum, group) => (sum << 16n) | BigInt(Number.parseInt(group, 16)),
    0n,
  )
}

/** As RFC 5952 writes it: lower case, the longest run of zeros shortened. */
export function formatIpv6(address: Ipv6): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => (address >> BigInt(112 - 16 * index)) & 0xffffn)
  const text = groups.map((group) => group.toString(16)).join(':')
  const runs = text.match(/\b0(:0)+\b/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  return longest === '' ? text : text.replace(new RegExp(`:?\\b${longest}\\b:?`), '::')
}

export const ipv6Bytes = (address: Ipv6): Uint8Array =>
  new Uint8Array(Buffer.from(address.toString(16).padStart(32, '0'), 'hex'))

export const ipv6OfBytes = (bytes: Uint8Array): Ipv6 => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

/** The address on the link that belongs to a MAC address: fe80::/64 and its modified EUI-64 (RFC 4291, appendix A). */
export function linkLocalOf(mac: Uint8Array): Ipv6 {
  const [first = 0, ...rest] = mac
  return ipv6OfBytes(
    Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)),
  )
}
