import { randomUUID } from 'node:crypto'
import { Volume } from '@caisson/api/volume'
import { openArchive } from '../archive-input.ts'
import { requireNoTerminal, writeArchive } from '../archive-output.ts'
import { parsePairs } from '../parse/pairs.ts'
import type { Action } from '../spec.ts'

/** As long as it takes: volumes are as large as they are. */
const UNHURRIED = { deadlineMs: 0 } as const

/** Makes a volume with the content of another. */
export const volumeClone: Action = async ({ engine, out, signal }, [source = '', name = ''], options) => {
  const labels = parsePairs('--label', options.list('label'), 'bare names allowed')
  const request = { source, name, labels, requestId: randomUUID() }
  const made = await (await engine.volumes()).clone(request, { ...UNHURRIED, signal })
  if (out.json) out.document(Volume.toJSON(made))
  else out.line(made.name)
  return 0
}

/** Writes what is in a volume as a tar. */
export const volumeExport: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const file = options.text('output') ?? '-'
  if (file === '-') requireNoTerminal()
  const messages = (await engine.volumes()).export({ name }, { ...UNHURRIED, signal })
  await writeArchive(file, out, chunksOf(messages))
  return 0
}

/** Fills a volume from a tar. */
export const volumeImport: Action = async ({ engine, out, signal }, [name = '', file = '-']) => {
  const { chunks } = openArchive(file)
  const filled = await (await engine.volumes()).import(messagesOf(name, chunks), { ...UNHURRIED, signal })
  if (out.json) out.document(Volume.toJSON(filled))
  else out.line(filled.name)
  return 0
}

async function* chunksOf(messages: AsyncIterable<{ chunk: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { chunk } of messages) yield chunk
}

async function* messagesOf(name: string, chunks: AsyncIterable<Buffer>) {
  yield { item: { $case: 'name', value: name } } as const
  for await (const value of chunks) yield { item: { $case: 'chunk', value } } as const
}
