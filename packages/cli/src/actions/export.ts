import { createWriteStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { failedPrecondition, invalid } from '@caisson/api/error'
import type { Action } from '../spec.ts'

/** Writes the root file system of a container as a tar. */
export const exportContainer: Action = async ({ engine, signal }, args, options) => {
  const [container = ''] = args
  const file = options.text('output')
  if (file === undefined && process.stdout.isTTY)
    throw failedPrecondition('TERMINAL', 'a tar would be written to the terminal: use -o, or redirect standard output')
  const containers = await engine.containers()
  const chunks = Readable.from(chunksOf(containers.export({ container }, { signal })), { objectMode: false })
  if (file === undefined) await pipeline(chunks, process.stdout, { end: false })
  else await writeFile(file, chunks)
  return 0
}

async function* chunksOf(messages: AsyncIterable<{ chunk: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { chunk } of messages) yield chunk
}

/** A file that was not there is not left behind half written. */
async function writeFile(path: string, chunks: Readable): Promise<void> {
  const isNew = !existsSync(path)
  try {
    await pipeline(chunks, createWriteStream(path))
  } catch (cause) {
    if (isNew) await rm(path, { force: true })
    if (cause instanceof Error && 'syscall' in cause)
      throw invalid(`cannot write ${path}: ${cause.message}`, { reason: 'CANNOT_WRITE', cause })
    throw cause
  }
}
