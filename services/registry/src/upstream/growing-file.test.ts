import assert from 'node:assert/strict'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { GrowingFile } from './growing-file.ts'

const calm = new AbortController().signal

async function growing(): Promise<AsyncDisposable & { readonly file: GrowingFile }> {
  const path = join(tmpdir(), `csn-growing-${process.pid}-${Math.random()}`)
  const handle = await open(path, 'w+')
  await rm(path)
  return { file: new GrowingFile(handle, 0), [Symbol.asyncDispose]: () => handle.close() }
}

/** What a reader has read so far, and how it ended. */
function follow(file: GrowingFile, first: number, end?: number, isTrusted = false, signal = calm) {
  const seen = { text: '', end: '' }
  const reading = async (): Promise<void> => {
    for await (const piece of file.read(first, end, isTrusted, signal)) seen.text += piece.toString()
  }
  void reading().then(
    () => {
      seen.end = 'clean'
    },
    (error: unknown) => {
      seen.end = String(error)
    },
  )
  return seen
}

/** Waits until readers have come so far, and shows what they have. */
async function reached(readers: readonly { text: string; end: string }[], expected: readonly string[]): Promise<void> {
  const now = (): string[] => readers.map(({ text, end }) => `${text} ${end}`)
  for (let tried = 0; tried < 200 && now().join() !== expected.join(); tried++) await sleep(10)
  // Nothing more comes.
  await sleep(20)
  assert.deepEqual(now(), expected)
}

test('gives readers what has arrived, and the last byte when it is known to be right', async () => {
  await using under = await growing()
  const { file } = under
  const all = follow(file, 0)
  const part = follow(file, 2, 5)
  const trusted = follow(file, 0, undefined, true)
  await file.append(Buffer.from('abcdef'))
  await reached([all, part, trusted], ['abcde ', 'cd ', 'abcdef '])
  await file.append(Buffer.from('gh'))
  await file.complete()
  await reached([all, part, trusted], ['abcdefg ', 'cd ', 'abcdefgh clean'])
  file.approve()
  await reached([all, part, follow(file, 0, 3)], ['abcdefgh clean', 'cde clean', 'abc clean'])
})

test('ends all readers by what it failed by, also of an empty file', async () => {
  await using under = await growing()
  const { file } = under
  const readers = [follow(file, 0), follow(file, 0, 1)]
  await file.complete()
  await reached(readers, [' ', ' '])
  file.fail(new Error('wrong'))
  await reached(readers, [' Error: wrong', ' Error: wrong'])
  file.approve()
  await reached([follow(file, 0)], [' Error: wrong'])
})

test('a reader who leaves is not waited for', async () => {
  await using under = await growing()
  const leaving = new AbortController()
  const reader = follow(under.file, 0, undefined, false, leaving.signal)
  leaving.abort(new Error('left'))
  await reached([reader], [' Error: left'])
})
