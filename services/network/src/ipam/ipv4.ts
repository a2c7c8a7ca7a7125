/** An IPv4 address as an unsigned number of 32 bits. */
export type Ipv4 = number

const OCTETS = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/** Dotted decimal without leading zeros; undefined for anything else. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const octets = OCTETS.exec(text)?.slice(1).map(Number)
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

export const formatIpv4 = (address: Ipv4): string => ipv4Bytes(address).join('.')

export const ipv4Bytes = (address: Ipv4): Uint8Array =>
  Uint8Array.of(address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff)

export const ipv4OfBytes = (bytes: Uint8Array): Ipv4 => bytes.reduce((sum, byte) => sum * 256 + byte, 0)

/** A locally administered MAC address that belongs to the IPv4 address: 02:42 and its four bytes. */
export const macOf = (address: Ipv4): Uint8Array => Uint8Array.of(0x02, 0x42, ...ipv4Bytes(address))

export const formatMac = (mac: Uint8Array): string =>
  Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':')

/** Six pairs of hexadecimal digits, unicast; undefined for anything else. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined
  const bytes = Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16))
  const [first] = bytes
  return first === undefined || (first & 1) === 1 || bytes.every((byte) => byte === 0) ? undefined : bytes
}
