import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { failedPrecondition, invalid } from '@caisson/api/error'
import { messagePieces } from '@caisson/api/upload'

const READ_BYTES = 256 << 10

/** An archive to send: its bytes, and how many there are when that is known. */
export interface ArchiveInput {
  /** 0: not known. */
  readonly size: number
  readonly chunks: AsyncIterable<Buffer>
}

/** Opens a file, or standard input for `-`. */
export function openArchive(path: string): ArchiveInput {
  if (path === '-') {
    if (process.stdin.isTTY)
      throw failedPrecondition('NO_INPUT', 'the archive would be read from the terminal: name a file, or pipe one in')
    return { size: 0, chunks: messagePieces(buffers(process.stdin)) }
  }
  try {
    const found = statSync(path)
    if (found.isDirectory()) throw invalid(`${path} is a directory: name an archive`, { reason: 'NOT_AN_ARCHIVE' })
    return {
      size: found.isFile() ? found.size : 0,
      chunks: messagePieces(buffers(createReadStream(path, { highWaterMark: READ_BYTES }))),
    }
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause)
      throw invalid(`cannot read ${path}: ${cause.message}`, { reason: 'CANNOT_READ', cause })
    throw cause
  }
}

async function* buffers(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
}
