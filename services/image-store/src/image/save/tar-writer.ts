const BLOCK = 512
const NAME_BYTES = 100
/** The largest size that eleven octal digits hold. */
const OCTAL_MAX = 8 ** 11 - 1
/** What ustar and pax pad an archive to. */
const RECORD = 20 * BLOCK

export interface TarFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/** The header of a regular file that root owns, with a pax header before it where ustar is too small. */
export function fileHeader({ name, size, mtime }: TarFile): Buffer {
  const records: [string, string][] = []
  if (Buffer.byteLength(name) > NAME_BYTES) records.push(['path', name])
  if (size > OCTAL_MAX) records.push(['size', String(size)])
  const header = ustar({ name, size: Math.min(size, OCTAL_MAX), mtime, flag: '0', mode: 0o644 })
  return records.length === 0 ? header : Buffer.concat([paxHeader(records, mtime), header])
}

/** The header of a directory. */
export function directoryHeader(name: string, mtime: number): Buffer {
  return ustar({ name: `${name}/`, size: 0, mtime, flag: '5', mode: 0o755 })
}

/** What fills the last block of a file. */
export const filePadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

/** The end of an archive of so many bytes: two empty blocks at least, and a whole record. */
export function archiveEnd(bytes: number): Buffer {
  const end = bytes + 2 * BLOCK
  return Buffer.alloc(2 * BLOCK + ((RECORD - (end % RECORD)) % RECORD))
}

interface Header extends TarFile {
  readonly flag: string
  readonly mode: number
}

function ustar({ name, size, mtime, flag, mode }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  Buffer.from(name).copy(block, 0, 0, NAME_BYTES)
  octal(block, 100, 8, mode)
  octal(block, 108, 8, 0)
  octal(block, 116, 8, 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, Math.min(Math.max(0, Math.trunc(mtime)), OCTAL_MAX))
  block.fill(' ', 148, 156)
  block.write(flag, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 8, 0)
  octal(block, 337, 8, 0)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, offset: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
}

function paxHeader(records: readonly (readonly [string, string])[], mtime: number): Buffer {
  const data = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''))
  const header = ustar({ name: 'pax_header', size: data.length, mtime, flag: 'x', mode: 0o644 })
  return Buffer.concat([header, data, filePadding(data.length)])
}

/** `LENGTH KEY=VALUE` and a line end; the length counts its own digits too. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + 1
  while (String(length).length + bytes !== length) length += 1
  return `${length}${rest}`
}
