import { malformed, tooLarge, truncated, unsafe } from './archive-error.ts'
import type { ByteReader } from './byte-reader.ts'
import { BLOCK, parseLongName, parsePax, parseTarHeader, type TarHeader } from './tar-header.ts'

/** An entry of an archive of images. Nothing else is allowed in one. */
export interface ArchiveEntry {
  readonly type: 'file' | 'directory' | 'symlink'
  readonly path: string
  /** Where a symlink points. */
  readonly link: string
  readonly size: number
  /** The bytes of a file: to be read before the next entry. */
  readonly data: AsyncIterable<Buffer>
}

const MAX_EXTENDED = 64 << 10
const MAX_NAME = 4096

/** What extended headers say of the entry to come. */
interface Extended {
  path?: string
  link?: string
  size?: number
}

/** Reads the entries of a tar, strictly: files, directories and symlinks, with pax or GNU long names, up to its end marker. */
export async function* tarEntries(reader: ByteReader): AsyncGenerator<ArchiveEntry> {
  let extended: Extended = {}
  for (;;) {
    const block = await reader.upTo(BLOCK)
    if (block.length < BLOCK) throw truncated()
    const header = parseTarHeader(block)
    if (!header) return await drain(reader)
    const more = await readExtended(reader, header)
    if (more) {
      extended = { ...extended, ...more }
      continue
    }
    const entry = toEntry(reader, header, extended)
    extended = {}
    yield entry
    await skip(reader, entry)
  }
}

async function readExtended(reader: ByteReader, { flag, size }: TarHeader): Promise<Extended | undefined> {
  if (!'xgLK'.includes(flag)) return undefined
  if (size > MAX_EXTENDED) throw tooLarge(`it has an extended header of ${size} bytes`)
  const padded = size + padding(size)
  const data = await reader.upTo(padded)
  if (data.length < padded) throw truncated()
  const bytes = data.subarray(0, size)
  if (flag === 'x') return parsePax(bytes)
  if (flag === 'L') return { path: parseLongName(bytes) }
  if (flag === 'K') return { link: parseLongName(bytes) }
  return {}
}

function toEntry(reader: ByteReader, header: TarHeader, extended: Extended): EntryWithRest {
  const path = extended.path ?? header.path
  const link = extended.link ?? header.link
  const type = typeOf(header.flag, path)
  if (path.length > MAX_NAME || link.length > MAX_NAME) throw unsafe('it has a name that is too long', path)
  const size = extended.size ?? header.size
  if (type !== 'file' && size !== 0) throw malformed('something that is no file has bytes', path)
  const rest = { left: size, padding: padding(size) }
  return { type, path, link, size, rest, data: read(reader, rest) }
}

interface EntryWithRest extends ArchiveEntry {
  readonly rest: { left: number; padding: number }
}

function typeOf(flag: string, path: string): ArchiveEntry['type'] {
  if (flag === '0' || flag === '\0') return path.endsWith('/') ? 'directory' : 'file'
  if (flag === '5') return 'directory'
  if (flag === '2') return 'symlink'
  throw unsafe(`${JSON.stringify(path)} is neither a file nor a directory`, path)
}

async function* read(reader: ByteReader, rest: { left: number }): AsyncGenerator<Buffer> {
  while (rest.left > 0) {
    const part = await reader.some(rest.left)
    if (!part) throw truncated()
    rest.left -= part.length
    yield part
  }
}

async function skip(reader: ByteReader, { rest }: ArchiveEntry & Partial<EntryWithRest>): Promise<void> {
  if (!rest) return
  for await (const _ of read(reader, rest));
  if ((await reader.upTo(rest.padding)).length < rest.padding) throw truncated()
}

/** What is behind the end marker is read and not looked at. */
async function drain(reader: ByteReader): Promise<void> {
  for await (const _ of reader.remaining());
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK
