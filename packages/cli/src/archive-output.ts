import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { failedPrecondition, invalid } from '@caisson/api/error'
import type { Output } from './output/output.ts'

/**
 * Writes an archive to a file, which is only there once it is whole and on the disk, or to standard output for `-`. A
 * terminal is refused.
 */
export async function writeArchive(path: string, out: Output, chunks: AsyncIterable<Buffer>): Promise<void> {
  if (path === '-') {
    requireNoTerminal()
    await pipeline(chunks, out.stdout, { end: false })
    return
  }
  // A device or a pipe is written to as it is.
  const isPlain = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
  const target = isPlain ? join(dirname(path), `.${basename(path)}.${process.pid}.part`) : path
  try {
    const flags = isPlain ? 'wx' : 'w'
    await pipeline(chunks, createWriteStream(target, { flags, mode: 0o600, flush: isPlain }))
    if (isPlain) renameSync(target, path)
  } catch (cause) {
    if (isPlain) rmSync(target, { force: true })
    if (cause instanceof Error && 'syscall' in cause)
      throw invalid(`cannot write ${path}: ${cause.message}`, { reason: 'CANNOT_WRITE', cause })
    throw cause
  }
}

/** To be asked before anything is done. */
export function requireNoTerminal(): void {
  if (process.stdout.isTTY)
    throw failedPrecondition(
      'OUTPUT_IS_TERMINAL',
      'the archive would be written to the terminal: name a file with -o, or pipe it on',
    )
}
