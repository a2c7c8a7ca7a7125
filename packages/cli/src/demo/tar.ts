/** An entry of an archive. Paths are relative, at most 100 bytes: this writer is for small archives of our own. */
export type TarEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }

const BLOCK = 512
const TYPES = { file: '0', symlink: '2', directory: '5' } as const

/** Writes a tar (POSIX.1-1988 ustar) whose entries all belong to root. The same entries give the same bytes. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const data = entry.kind === 'file' ? entry.data : new Uint8Array()
    return [header(entry, data.length), data, Buffer.alloc(padding(data.length))]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  text(block, 0, 100, entry.kind === 'directory' ? `${entry.path}/` : entry.path)
  octal(block, 100, 8, entry.kind === 'symlink' ? 0o777 : entry.mode)
  octal(block, 108, 8, 0)
  octal(block, 116, 8, 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, 0)
  block.fill(' ', 148, 156)
  block.write(TYPES[entry.kind], 156)
  if (entry.kind === 'symlink') text(block, 157, 100, entry.target)
  block.write('ustar\0' + '00', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function text(block: Buffer, at: number, room: number, value: string): void {
  if (Buffer.byteLength(value) > room) throw new Error(`${value} does not fit into ${room} bytes of a tar header`)
  block.write(value, at)
}

function octal(block: Buffer, at: number, room: number, value: number): void {
  block.write(`${value.toString(8).padStart(room - 1, '0')}\0`, at)
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}
