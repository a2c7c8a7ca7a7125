/** An entry of a tar. */
export interface TarEntry {
  readonly path: string
  readonly type?: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'char'
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly content?: Uint8Array | string
  /** Where a link points. */
  readonly target?: string
  readonly major?: number
  readonly minor?: number
}

const TYPES = { file: '0', hardlink: '1', symlink: '2', char: '3', directory: '5', fifo: '6' } as const

/** Writes a plain ustar archive. Names are at most 100 bytes: tests of long names write their own headers. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(1024)])
}

function blocks(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  return [header(entry, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)]
}

function header(entry: TarEntry, size: number): Buffer {
  const type = entry.type ?? 'file'
  const block = Buffer.alloc(512)
  const octal = (value: number, offset: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1')
  }
  if (Buffer.byteLength(entry.path) > 100) throw new Error(`name too long for a plain header: ${entry.path}`)
  block.write(entry.path, 0)
  octal(entry.mode ?? (type === 'directory' ? 0o755 : 0o644), 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        ', 148)
  block.write(TYPES[type], 156)
  block.write(entry.target ?? '', 157)
  block.write('ustar\x0000', 257, 'latin1')
  octal(entry.major ?? 0, 329, 8)
  octal(entry.minor ?? 0, 337, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
