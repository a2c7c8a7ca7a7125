import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader } from '../load/byte-reader.ts'
import { tarEntries } from '../load/tar-entries.ts'
import { archiveEnd, directoryHeader, fileHeader, filePadding } from './tar-writer.ts'

interface File {
  readonly name: string
  readonly content: Uint8Array
  readonly mtime: number
}

function archive(files: readonly File[]): Buffer {
  const parts = files.flatMap(({ name, content, mtime }) => [
    fileHeader({ name, size: content.length, mtime }),
    Buffer.from(content),
    filePadding(content.length),
  ])
  const bytes = Buffer.concat(parts)
  return Buffer.concat([bytes, archiveEnd(bytes.length)])
}

async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

async function read(bytes: Buffer): Promise<{ name: string; content: string }[]> {
  const found: { name: string; content: string }[] = []
  for await (const { path, data } of tarEntries(new ByteReader(stream(bytes)))) {
    const parts: Buffer[] = []
    for await (const part of data) parts.push(part)
    found.push({ name: path, content: Buffer.concat(parts).toString('hex') })
  }
  return found
}

test('writes files that are read as they were, whatever their names and sizes', async () => {
  const letters = fc.constantFrom(...'abc/-_.é'.split(''))
  const name = fc.array(letters, { minLength: 1, maxLength: 300 }).map((parts) => `f${parts.join('')}x`)
  const file = fc.record({ name, content: fc.uint8Array({ maxLength: 1_100 }), mtime: fc.integer() })
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 5 }), async (files) => {
      const bytes = archive(files)
      assert.equal(bytes.length % 10_240, 0)
      const wanted = files.map(({ name: path, content }) => ({
        name: path,
        content: Buffer.from(content).toString('hex'),
      }))
      assert.deepEqual(await read(bytes), wanted)
    }),
    { numRuns: 200 },
  )
})

test('says sizes that ustar cannot say in a pax header', async () => {
  const size = 20 * 2 ** 30
  const header = fileHeader({ name: 'huge', size, mtime: 0 })
  assert.equal(header.length, 3 * 512)
  const reader = new ByteReader(stream(header))
  const { value } = await tarEntries(reader).next()
  assert.deepEqual([value?.path, value?.size], ['huge', size])
})

test('writes directories that are read as such', async () => {
  const bytes = Buffer.concat([directoryHeader('blobs', 0), archiveEnd(512)])
  const { value } = await tarEntries(new ByteReader(stream(bytes))).next()
  assert.deepEqual([value?.type, value?.path], ['directory', 'blobs/'])
})
