// Truncated and damaged blobs: case IMG-12 of the attack catalogue.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { BLOCK, paxHeader, type TarEntry, tar, tarEnd, tarEntry } from '../../test/tar-writer.ts'
import { openWorkspace, needsRoot as skip, type Workspace } from '../../test/unpacked.ts'
import { LayerError } from './layer-error.ts'

const ENTRIES: readonly TarEntry[] = [
  { path: 'd', type: 'dir' },
  { path: 'd/text', content: 'some text '.repeat(500) },
  { path: 'x'.repeat(200), content: 'long name' },
]
const ARCHIVE = tar(ENTRIES)
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The digest that unpacking ends with, or the reason of its failure. */
async function outcome(space: Workspace, blob: Uint8Array): Promise<string> {
  try {
    return (await space.unpack(blob)).digest
  } catch (error) {
    if (error instanceof LayerError) return error.reason
    throw error
  }
}

test('IMG-12: a blob cut anywhere never passes for the whole one', { skip }, async () => {
  for (const whole of [ARCHIVE, gzipSync(ARCHIVE), zstdCompressSync(ARCHIVE)]) {
    using space = openWorkspace()
    const step = whole === ARCHIVE ? BLOCK : 37
    for (let cut = step; cut < whole.length; cut += step) {
      const found = await outcome(space, whole.subarray(0, cut))
      assert.ok(found === 'TRUNCATED' || found === sha256(whole.subarray(0, cut)), `${cut}: ${found}`)
    }
  }
})

test('IMG-12: a tar that ends inside an entry is truncated', { skip }, async () => {
  using space = openWorkspace()
  const end = ARCHIVE.length - tarEnd().length
  for (const cut of [1, BLOCK - 1, BLOCK + 1, 3 * BLOCK, end - BLOCK, end - 1])
    assert.equal(await outcome(space, ARCHIVE.subarray(0, cut)), 'TRUNCATED', String(cut))
  assert.equal(await outcome(space, paxHeader([['path', 'x']])), 'TRUNCATED')
})

test('IMG-12: every byte to the end counts for both digests', { skip }, async () => {
  using space = openWorkspace()
  const plain = Buffer.concat([ARCHIVE, Buffer.from('behind the end of the archive')])
  for (const blob of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
    const result = await space.unpack(blob)
    assert.deepEqual([result.digest, result.diffId], [sha256(blob), sha256(plain)])
  }
})

test('IMG-12: what is behind a gzip stream is another member, padding or a failure', { skip }, async () => {
  using space = openWorkspace()
  const [head, tail] = [ARCHIVE.subarray(0, 700), ARCHIVE.subarray(700)]
  const members = Buffer.concat([gzipSync(head), gzipSync(Buffer.alloc(0)), gzipSync(tail)])
  assert.equal((await space.unpack(members)).diffId, sha256(ARCHIVE))
  const padded = Buffer.concat([members, Buffer.alloc(3000)])
  const result = await space.unpack(padded)
  assert.deepEqual([result.digest, result.diffId], [sha256(padded), sha256(ARCHIVE)])
  assert.equal(await outcome(space, Buffer.concat([members, Buffer.from('garbage')])), 'INVALID')
  assert.equal(await outcome(space, Buffer.concat([padded, Buffer.from('x')])), 'INVALID')
})

test('a flipped bit is noticed or changes the digest', { skip }, async () => {
  using space = openWorkspace()
  for (const whole of [ARCHIVE, gzipSync(ARCHIVE), zstdCompressSync(ARCHIVE)]) {
    const good = sha256(whole)
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 60)) {
      const bad = Buffer.from(whole)
      bad[at] = (bad[at] ?? 0) ^ 0x20
      assert.notEqual(await outcome(space, bad), good, String(at))
    }
  }
})

test('what is no layer is invalid', { skip }, async () => {
  using space = openWorkspace()
  const cases = [
    Buffer.from('hello'.repeat(200)),
    Buffer.from('BZh91AY&SY'.repeat(100)),
    Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]),
    Buffer.concat([tarEntry({ path: 'a' }), Buffer.alloc(BLOCK), tarEntry({ path: 'b' })]),
    tarEntry({ path: 'a', flag: 'Z' }),
    tarEntry({ path: 'a', patch: (block) => block.write('1234567890a\0', 124, 'latin1') }),
    tarEntry({ path: 'a', pax: { size: '-1' } }),
    paxHeader([['path', 'for all']], 'g'),
  ]
  for (const [i, blob] of cases.entries()) assert.equal(await outcome(space, blob), 'INVALID', String(i))
  assert.equal(await outcome(space, Buffer.from('hello')), 'TRUNCATED')
})
