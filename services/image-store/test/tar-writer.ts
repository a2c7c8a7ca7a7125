/**
 * Writes tar archives for tests, good ones and every kind of bad one: nothing is checked, and each header can be changed
 * before its checksum is made.
 */

export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo'

export interface TarEntry {
  /** Names longer than a header holds go into a pax header. */
  readonly path: string | Uint8Array
  /** Default: file, or what `flag` says. */
  readonly type?: TarType
  /** The type byte itself. */
  readonly flag?: string
  readonly content?: string | Uint8Array
  readonly link?: string | Uint8Array
  /** Default: 0644, directories 0755. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds. Default: 1000000000. */
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  /** Records of a pax header before the entry. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>
  /** Extended attributes, as SCHILY.xattr records. */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>
  /** Changes the header; the checksum is made afterwards. */
  readonly patch?: (block: Buffer) => void
}

export const BLOCK = 512
const FLAGS: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
}

/** An archive of the entries, with its end marker. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), tarEnd()])
}

/** The end marker: two empty blocks. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK)
}

/** Header and data of one entry, after its pax header if it needs one. */
export function tarEntry(entry: TarEntry): Buffer {
  const path = bytes(entry.path)
  const link = bytes(entry.link ?? '')
  const records: [string, string | Uint8Array][] = Object.entries(entry.pax ?? {})
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records.push([`SCHILY.xattr.${name}`, value])
  if (path.length > 100) records.push(['path', path])
  if (link.length > 100) records.push(['linkpath', link])
  const content = bytes(entry.content ?? '')
  const parts = [header(entry, path, link, content.length), padded(content)]
  if (records.length > 0) parts.unshift(paxHeader(records))
  return Buffer.concat(parts)
}

/** A pax header, or with the flag `g` a global one. */
export function paxHeader(records: readonly (readonly [string, string | Uint8Array])[], flag = 'x'): Buffer {
  const data = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)))
  return Buffer.concat([header({ path: 'pax', flag }, bytes('pax'), bytes(''), data.length), padded(data)])
}

/** `<length> <key>=<value>\n`: the length counts its own digits too. */
export function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([bytes(` ${key}=`), bytes(value), bytes('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length++
  return Buffer.concat([bytes(String(length)), rest])
}

function header(entry: TarEntry, path: Buffer, link: Buffer, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const flag = entry.flag ?? FLAGS[entry.type ?? 'file']
  path.copy(block, 0, 0, 100)
  octal(block, 100, 8, entry.mode ?? (flag === '5' ? 0o755 : 0o644))
  octal(block, 108, 8, entry.uid ?? 0)
  octal(block, 116, 8, entry.gid ?? 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, entry.mtime ?? 1_000_000_000)
  block.write(flag, 156, 'latin1')
  link.copy(block, 157, 0, 100)
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 8, entry.major ?? 0)
  octal(block, 337, 8, entry.minor ?? 0)
  entry.patch?.(block)
  return withChecksum(block)
}

/** Puts the right checksum into a header. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** An octal field; numbers that do not fit, and negative ones, in base 256. */
function octal(block: Buffer, offset: number, size: number, value: number): void {
  const digits = value.toString(8)
  if (value >= 0 && digits.length < size) {
    block.write(`${digits.padStart(size - 1, '0')}\0`, offset, 'latin1')
    return
  }
  block.fill(value < 0 ? 0xff : 0, offset, offset + size - 8)
  block.writeBigInt64BE(BigInt(value), offset + size - 8)
  block[offset] = (block[offset] ?? 0) | 0x80
}

function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)])
}

function bytes(value: string | Uint8Array): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
}
