import { isIPv4, isIPv6 } from 'node:net'

/** 4 or 16 bytes. RangeError when it is no address. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  if (isIPv6(address) && !address.includes('%')) return ipv6Bytes(address)
  throw new RangeError(`${address} is no IP address`)
}

function ipv6Bytes(address: string): Buffer {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (embedded !== null) return ipv6Bytes(`${embedded[1]}${groupsOfIpv4(embedded[2] ?? '')}`)
  const [head = '', tail] = address.split('::')
  const [before, after] = [groups(head), groups(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - before.length - after.length
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...before, ...Array<number>(gap).fill(0), ...after].entries())
    bytes.writeUInt16BE(group, index * 2)
  return bytes
}

const groups = (text: string): number[] =>
  text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))

function groupsOfIpv4(text: string): string {
  const bytes = Buffer.from(text.split('.').map(Number))
  return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`
}
