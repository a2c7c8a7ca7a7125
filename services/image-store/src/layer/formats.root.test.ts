// Formats that put more into a layer than a tar: each is read as the ordinary layer that it also is.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type TarEntry, tarEnd, tarEntry } from '../../test/tar-writer.ts'
import { openWorkspace, needsRoot as skip } from '../../test/unpacked.ts'

const FILES: readonly TarEntry[] = [
  { path: 'etc', type: 'dir' },
  { path: 'etc/name', content: 'a name\n'.repeat(2_000) },
  { path: 'etc/other', content: 'other\n' },
]
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A gzip member without content whose extra field tells where the table of contents is. */
function estargzFooter(offset: number): Buffer {
  const payload = Buffer.from(`${offset.toString(16).padStart(16, '0')}STARGZ`)
  const field = Buffer.concat([Buffer.from('SG'), Buffer.from([payload.length, 0]), payload])
  const header = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, field.length, 0])
  const empty = deflateRawSync(Buffer.alloc(0), { level: constants.Z_NO_COMPRESSION })
  return Buffer.concat([header, field, empty, Buffer.alloc(8)])
}

/** Each entry in a member of its own; then the table of contents, itself an entry, and the footer. */
function estargz(): { blob: Buffer; tar: Buffer } {
  const toc = { path: 'stargz.index.json', content: JSON.stringify({ version: 1, entries: [] }) }
  const entries = [...FILES.map(tarEntry), tarEntry({ path: '.no.prefetch.landmark', content: '\x0f' })]
  const members = entries.map((bytes) => gzipSync(bytes))
  const last = Buffer.concat([tarEntry(toc), tarEnd()])
  const before = Buffer.concat(members)
  return {
    blob: Buffer.concat([before, gzipSync(last), estargzFooter(before.length)]),
    tar: Buffer.concat([...entries, last]),
  }
}

/** A frame that decoders pass over (RFC 8878, 3.1.2). */
function skippable(content: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

/** Each entry in a frame of its own; then the compressed table of contents and the footer, in frames to be passed over. */
function zstdChunked(): { blob: Buffer; tar: Buffer } {
  const parts = [...FILES.map(tarEntry), tarEnd()]
  const frames = parts.map((bytes) => zstdCompressSync(bytes))
  const toc = zstdCompressSync(JSON.stringify({ version: 1, entries: [] }))
  const footer = Buffer.alloc(64)
  footer.write('GNUlInUx', 56)
  return {
    blob: Buffer.concat([...frames, skippable(toc), skippable(footer)]),
    tar: Buffer.concat(parts),
  }
}

for (const [name, make] of [
  ['estargz', estargz],
  ['zstd:chunked', zstdChunked],
] as const)
  test(`IMG-12: a layer of ${name} has the files and both digests of an ordinary one`, { skip }, async () => {
    const { blob, tar } = make()
    using space = openWorkspace()
    const found = await space.unpack(blob)
    assert.deepEqual([found.digest, found.diffId], [sha256(blob), sha256(tar)])
    assert.equal(found.compressedBytes, blob.length)
    assert.equal(readFileSync(join(space.root, 'etc/name'), 'utf8'), 'a name\n'.repeat(2_000))
    assert.equal(readFileSync(join(space.root, 'etc/other'), 'utf8'), 'other\n')
  })

test('the table of contents and the landmark of estargz are files like others', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(estargz().blob)
  assert.ok(existsSync(join(space.root, 'stargz.index.json')))
  assert.ok(existsSync(join(space.root, '.no.prefetch.landmark')))
})

test('a frame to be passed over may come first, and one that is cut off is not passed over', { skip }, async () => {
  const { blob, tar } = zstdChunked()
  using space = openWorkspace()
  assert.equal((await space.unpack(Buffer.concat([blob, skippable(Buffer.alloc(9))]))).diffId, sha256(tar))
  using other = openWorkspace()
  assert.equal((await other.refusal(blob.subarray(0, blob.length - 10))).reason, 'TRUNCATED')
})
