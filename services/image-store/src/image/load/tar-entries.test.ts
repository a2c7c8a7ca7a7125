import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import fc from 'fast-check'
import { type TarEntry, tar, tarEntry } from '../../../test/tar-writer.ts'
import { archiveName } from './archive.ts'
import { ByteReader } from './byte-reader.ts'
import { tarEntries } from './tar-entries.ts'

/** Bytes in chunks of a size. */
async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Uint8Array, size = 1_000): Promise<{ path: string; type: string; text: string }[]> {
  const found: { path: string; type: string; text: string }[] = []
  for await (const { path, type, data } of tarEntries(new ByteReader(chunks(bytes, size)))) {
    const parts: Buffer[] = []
    for await (const part of data) parts.push(part)
    found.push({ path, type, text: Buffer.concat(parts).toString() })
  }
  return found
}

const ENTRIES: TarEntry[] = [
  { path: 'dir/', type: 'dir' },
  { path: 'dir/file', content: 'some text' },
  { path: `long/${'n'.repeat(300)}`, content: 'x'.repeat(1_500) },
  { path: 'link', type: 'symlink', link: 'dir/file' },
]

test('reads files, directories, links and long names, however the stream is cut', async () => {
  const whole = await read(tar(ENTRIES))
  assert.deepEqual(
    whole.map(({ type, path }) => [type, path]),
    [
      ['directory', 'dir/'],
      ['file', 'dir/file'],
      ['file', `long/${'n'.repeat(300)}`],
      ['symlink', 'link'],
    ],
  )
  assert.equal(whole[1]?.text, 'some text')
  for (const size of [1, 7, 511, 512, 513, 100_000]) assert.deepEqual(await read(tar(ENTRIES), size), whole)
})

test('skips the bytes of files that nobody reads', async () => {
  const paths: string[] = []
  for await (const { path } of tarEntries(new ByteReader(chunks(tar(ENTRIES), 100)))) paths.push(path)
  assert.equal(paths.length, 4)
})

test('wants an end marker, and looks at nothing behind it', async () => {
  await assert.rejects(read(Buffer.concat(ENTRIES.map(tarEntry))), { code: 'data-loss', reason: 'TRUNCATED' })
  await assert.rejects(read(Buffer.alloc(0)), { reason: 'TRUNCATED' })
  assert.equal((await read(Buffer.concat([tar(ENTRIES), Buffer.from('garbage')]))).length, 4)
})

test('refuses what has no place in an archive of images', async () => {
  for (const type of ['hardlink', 'char', 'block', 'fifo'] as const)
    await assert.rejects(read(tar([{ path: 'x', type, link: 'y' }])), { reason: 'UNSAFE_CONTENT' })
  await assert.rejects(read(tar([{ path: 'x', pax: { 'GNU.sparse.major': '1' } }])), { reason: 'UNSAFE_CONTENT' })
  await assert.rejects(read(tar([{ path: 'x', pax: { path: 'a\0b' } }])), { reason: 'UNSAFE_CONTENT' })
  await assert.rejects(read(tar([{ path: 'x', pax: { size: '-1' } }])), { reason: 'INVALID_ARCHIVE' })
  const broken = tar(ENTRIES)
  broken[0] = 0x7a
  await assert.rejects(read(broken), { reason: 'INVALID_ARCHIVE', message: /checksum/ })
})

test('fails only with typed errors, whatever bytes it is given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(4_000), fc.uint8Array({ maxLength: 40 }), async (at, noise) => {
      const bytes = tar(ENTRIES)
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), at)
      await read(bytes).catch((error: unknown) => assert.ok(error instanceof CaissonError, String(error)))
    }),
    { numRuns: 300 },
  )
})

test('keeps names within the archive', () => {
  assert.equal(archiveName('./a//b/./c'), 'a/b/c')
  assert.equal(archiveName('/a'), 'a')
  for (const path of ['..', 'a/../b', '../a', 'a/..'])
    assert.throws(() => archiveName(path), { reason: 'UNSAFE_CONTENT' })
})
