import { malformed, unsafe } from './archive-error.ts'

export const BLOCK = 512

export interface TarHeader {
  /** The type byte. */
  readonly flag: string
  readonly path: string
  readonly link: string
  /** Bytes of data behind the header. */
  readonly size: number
}

/** Reads a header of a ustar, GNU or pax archive and checks its checksum. Undefined for an empty block: the end. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (number(block.subarray(148, 156)) !== sum) throw malformed('a tar header has a wrong checksum')
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(block.subarray(345, 500)) : ''
  const name = text(block.subarray(0, 100))
  return {
    flag: String.fromCharCode(block[156] ?? 0),
    path: prefix === '' ? name : `${prefix}/${name}`,
    link: text(block.subarray(157, 257)),
    size: number(block.subarray(124, 136)),
  }
}

/** The records of a pax extended header that matter here. */
export function parsePax(data: Buffer): { path?: string; link?: string; size?: number } {
  const found: { path?: string; link?: string; size?: number } = {}
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = Number(/^[1-9][0-9]{0,8}$/.exec(data.toString('latin1', at, Math.max(space, at)))?.[0])
    const record = data.subarray(space + 1, at + length)
    const equals = record.indexOf(0x3d)
    if (!Number.isSafeInteger(length) || at + length > data.length || equals < 1 || record.at(-1) !== 0x0a)
      throw malformed('a pax header is broken')
    const value = record.subarray(equals + 1, -1)
    assign(found, record.toString('latin1', 0, equals), value)
    at += length
  }
  return found
}

function assign(found: { path?: string; link?: string; size?: number }, name: string, value: Buffer): void {
  if (name === 'path') found.path = plain(value)
  else if (name === 'linkpath') found.link = plain(value)
  else if (name === 'size') {
    if (!/^[0-9]{1,15}$/.test(value.toString('latin1'))) throw malformed('a pax header has a size that is none')
    found.size = Number(value.toString('latin1'))
  } else if (name.startsWith('GNU.sparse.')) throw unsafe('it holds a sparse file')
}

/** The text of a GNU long name record. */
export const parseLongName = (data: Buffer): string => text(data)

function plain(value: Buffer): string {
  if (value.includes(0)) throw unsafe('a name holds a NUL')
  return value.toString('utf8')
}

function text(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/** Octal digits, or GNU's base 256. */
function number(field: Buffer): number {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
    if (!Number.isSafeInteger(value)) throw malformed('a tar header has a number that is too large')
    return value
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) throw malformed('a tar header has a number that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}
