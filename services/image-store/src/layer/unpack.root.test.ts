import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type TarEntry, tar, tarEntry } from '../../test/tar-writer.ts'
import { listTree } from '../../test/tree-listing.ts'
import { LIMITS, openWorkspace, refusalOf, needsRoot as skip, streamOf } from '../../test/unpacked.ts'
import type { LayerProgress } from './answer.ts'

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const NOISE = randomBytes(700_001)
const ENTRIES: readonly TarEntry[] = [
  { path: './', type: 'dir', mode: 0o755, mtime: 1 },
  { path: 'bin/', type: 'dir', mode: 0o2775, uid: 10, gid: 20, mtime: 2 },
  { path: 'bin/su', content: 'su', mode: 0o4755, uid: 30, gid: 40, mtime: 3 },
  { path: 'bin/noise', content: NOISE, pax: { mtime: '4.123456789' } },
  { path: 'bin/alias', type: 'hardlink', link: 'bin/noise' },
  { path: 'sh', type: 'symlink', link: 'bin/su', uid: 50, mtime: 5 },
  { path: 'pipe', type: 'fifo', mode: 0o600, mtime: 6 },
  { path: 'null', type: 'char', major: 1, minor: 3, mode: 0o666, mtime: 7 },
  { path: 'disk', type: 'block', major: 254, minor: 300, mode: 0o660, gid: 6, mtime: 8 },
  { path: 'empty', content: '', mode: 0, uid: 65535, gid: 65535, mtime: 9 },
]

test('a tree is written with its attributes', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar(ENTRIES))
  const noise = createHash('sha256').update(NOISE).digest('hex').slice(0, 16)
  const inode = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
  const device = (path: string): bigint => lstatSync(join(space.root, path), { bigint: true }).rdev
  assert.equal(device('null'), 0x103n)
  assert.deepEqual(listTree(space.root), [
    '/ dir 755 0:0 1000000000',
    '/bin dir 2775 10:20 2000000000',
    `/bin/alias file 644 0:0 4123456789 700001 ${noise}`,
    `/bin/noise file 644 0:0 4123456789 700001 ${noise} = bin/alias`,
    `/bin/su file 4755 30:40 3000000000 2 ${inode('su')}`,
    `/disk block 660 0:6 8000000000 dev ${device('disk')}`,
    `/empty file 0 65535:65535 9000000000 0 ${inode('')}`,
    '/null char 666 0:0 7000000000 dev 259',
    '/pipe fifo 600 0:0 6000000000',
    '/sh symlink 777 50:0 5000000000 -> bin/su',
  ])
})

test('digests and sizes are those of the bytes, whatever the compression', { skip }, async () => {
  const plain = tar(ENTRIES)
  const half = plain.length / 2
  const cases = [
    { compression: 'none', blob: plain },
    { compression: 'gzip', blob: gzipSync(plain) },
    { compression: 'gzip', blob: Buffer.concat([gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))]) },
    { compression: 'zstd', blob: zstdCompressSync(plain) },
  ]
  let first: string[] | undefined
  for (const { compression, blob } of cases) {
    using space = openWorkspace()
    assert.deepEqual(await space.unpack(blob), {
      digest: sha256(blob),
      diffId: sha256(plain),
      compressedBytes: blob.length,
      bytes: plain.length,
      contentBytes: NOISE.length + 2,
      entries: ENTRIES.length,
      compression,
      rootOpaque: false,
      rootEntry: true,
    })
    first ??= listTree(space.root)
    assert.deepEqual(listTree(space.root), first)
  }
})

test('a blob is read from a descriptor, and copied on the way', { skip }, async () => {
  using space = openWorkspace()
  const blob = gzipSync(tar(ENTRIES))
  writeFileSync(join(space.path, 'blob'), blob)
  const from = openSync(join(space.path, 'blob'), 'r')
  const tee = openSync(join(space.path, 'copy'), 'w')
  const result = await space.unpacker.unpack({ blob: from, target: space.root, tee, limits: LIMITS, sync: true })
  closeSync(from)
  closeSync(tee)
  assert.equal(result.digest, sha256(blob))
  assert.deepEqual(readFileSync(join(space.path, 'copy')), blob)
})

test('a stream is copied whole, with the bytes behind the end of the archive', { skip }, async () => {
  using space = openWorkspace()
  const blob = Buffer.concat([tar([{ path: 'a' }]), Buffer.alloc(9000, 'x')])
  const tee = openSync(join(space.path, 'copy'), 'w')
  const result = await space.unpack(blob, { tee })
  closeSync(tee)
  assert.deepEqual([result.digest, result.diffId, result.bytes], [sha256(blob), sha256(blob), blob.length])
  assert.deepEqual(readFileSync(join(space.path, 'copy')), blob)
})

test('IMG-16: a blob of nothing is an empty layer, unless an end marker is required', { skip }, async () => {
  using space = openWorkspace()
  const result = await space.unpack(Buffer.alloc(0))
  assert.deepEqual([result.entries, result.diffId], [0, sha256(Buffer.alloc(0))])
  const error = await space.refusal(tarEntry({ path: 'a' }), { requireEnd: true })
  assert.equal(error.reason, 'TRUNCATED')
  await space.unpack(tarEntry({ path: 'a' }))
})

test('directories that the layer only implies belong to root', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar([{ path: 'a/b/c', uid: 7 }]))
  const about = statSync(join(space.root, 'a/b'))
  assert.deepEqual([about.mode & 0o7777, about.uid, about.gid], [0o755, 0, 0])
})

test('directories keep their times whatever is written into them, and in whatever order', { skip }, async () => {
  using space = openWorkspace()
  const directories = Array.from({ length: 700 }, (_, i) => `d${i}`)
  await space.unpack(
    tar([
      ...directories.map((path, i): TarEntry => ({ path, type: 'dir', mtime: 1000 + i })),
      ...directories.map((path): TarEntry => ({ path: `${path}/one` })),
      { path: 'alias', type: 'symlink', link: 'd5' },
      ...directories.map((path): TarEntry => ({ path: `${path}/two` })),
      { path: 'alias/three' },
      { path: 'd5/four' },
      { path: '/', type: 'dir', mtime: 77 },
    ]),
  )
  const times = directories.map((path) => statSync(join(space.root, path)).mtimeMs / 1000)
  assert.deepEqual(
    times,
    directories.map((_, i) => 1000 + i),
  )
  assert.equal(statSync(space.root).mtimeMs, 77_000)
})

test('IMG-10: the last entry of a path wins', { skip }, async () => {
  using space = openWorkspace()
  const all: readonly TarEntry[] = [
    { path: 'x', content: 'file' },
    { path: 'x', type: 'dir' },
    { path: 'x/inside', content: 'lost' },
    { path: 'x', type: 'symlink', link: 'nowhere' },
    { path: 'x', type: 'fifo' },
    { path: 'x', type: 'char', major: 1, minor: 5 },
    { path: 'x', content: 'last' },
  ]
  await space.unpack(tar(all))
  assert.equal(readFileSync(join(space.root, 'x'), 'utf8'), 'last')
  assert.equal(listTree(space.root).length, 2)
  const turned = all.toReversed().filter(({ path }) => path === 'x')
  await space.unpack(tar([...turned, { path: 'x', type: 'dir' }, { path: 'x/new', content: 'new' }]))
  assert.equal(readFileSync(join(space.root, 'x/new'), 'utf8'), 'new')
})

test('a directory over a directory only changes its attributes', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar([{ path: 'd/f' }, { path: 'd', type: 'dir', mode: 0o700, uid: 5, mtime: 50 }]))
  const about = statSync(join(space.root, 'd'))
  assert.deepEqual([about.mode & 0o7777, about.uid, about.mtimeMs], [0o700, 5, 50_000])
  assert.ok(lstatSync(join(space.root, 'd/f')).isFile())
})

test('a hard link to itself leaves the file alone', { skip }, async () => {
  using space = openWorkspace()
  const link: TarEntry = { path: 'a', type: 'hardlink', link: './a' }
  await space.unpack(tar([{ path: 'a', content: 'kept' }, link]))
  assert.equal(readFileSync(join(space.root, 'a'), 'utf8'), 'kept')
})

test('a hard link of a symlink or a device is made', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(
    tar([
      { path: 's', type: 'symlink', link: '/target' },
      { path: 't', type: 'hardlink', link: 's' },
      { path: 'n', type: 'char', major: 1, minor: 3 },
      { path: 'm', type: 'hardlink', link: '/n' },
    ]),
  )
  assert.equal(readlinkSync(join(space.root, 't')), '/target')
  assert.equal(lstatSync(join(space.root, 'm')).rdev, 0x103)
})

test('limits are kept', { skip }, async () => {
  using space = openWorkspace()
  const three = tar([{ path: 'a' }, { path: 'b' }, { path: 'c', content: 'x'.repeat(100_000) }])
  const refused = async (limits: { maxBytes?: number; maxEntries?: number }, archive = three): Promise<string> =>
    (await space.refusal(archive, { limits: { ...LIMITS, ...limits } })).reason
  assert.equal(await refused({ maxEntries: 2 }), 'LIMIT')
  assert.equal(await refused({ maxEntries: 10 }, tar([{ path: 'd/e/f/g/h/i/j/k/l/m/n/o' }])), 'LIMIT')
  assert.equal(await refused({ maxBytes: 99_999 }), 'LIMIT')
  assert.equal(await refused({ maxBytes: 50_000 }, gzipSync(Buffer.alloc(10_000_000))), 'LIMIT')
  const sparse = { 'GNU.sparse.size': '1000000000000', 'GNU.sparse.map': '0,1' }
  assert.equal(await refused({}, tar([{ path: 's', content: 'x', pax: sparse }])), 'LIMIT')
  await space.unpack(three, { limits: { maxBytes: three.length, maxEntries: 3 } })
})

test('a stream of empty gzip members without end is a limit', { skip }, async () => {
  using space = openWorkspace()
  const empty = gzipSync(Buffer.alloc(0))
  const many = Buffer.concat(Array.from({ length: 4096 }, () => empty))
  const endless = Readable.from(
    (function* () {
      for (;;) yield many
    })(),
  )
  const limits = { maxBytes: 1 << 20, maxEntries: 10 }
  assert.equal((await refusalOf(space.unpacker.unpack({ blob: endless, target: space.root, limits }))).reason, 'LIMIT')
})

test('a full disk is told as such', { skip }, async () => {
  using space = openWorkspace()
  const full = openSync('/dev/full', 'w')
  const error = await space.refusal(tar(ENTRIES), { tee: full })
  closeSync(full)
  assert.deepEqual([error.reason, error.step, error.errno], ['NOSPACE', 'tee', 28])
})

test('a file system without room or inodes is told as full', { skip }, () => {
  using space = openWorkspace()
  const many = Array.from({ length: 200 }, (_, i): TarEntry => ({ path: `f${i}`, content: 'x' }))
  for (const [limit, entries] of [
    ['size=64k', ENTRIES],
    ['nr_inodes=50', many],
  ] as const) {
    writeFileSync(join(space.path, 'blob'), tar(entries))
    const script = `mount -t tmpfs -o ${limit} none root
      exec "$1" unpack --max-bytes 9999999 --max-entries 1000 3< blob 4< root`
    const ran = spawnSync('unshare', ['--mount', 'sh', '-ec', script, 'sh', space.program], { cwd: space.path })
    assert.match(String(ran.stdout), /"errno":28,"reason":"NOSPACE"/, limit)
  }
})

test('progress is told while a stream is slow', { skip }, async () => {
  using space = openWorkspace()
  const seen: LayerProgress[] = []
  const archive = tar([{ path: 'a', content: 'x'.repeat(3_000_000) }])
  const slow = Readable.from(
    (async function* () {
      for await (const piece of streamOf(archive, 400_000)) {
        yield piece
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })(),
  )
  await space.unpack(archive, { blob: slow, onProgress: (progress) => seen.push(progress) })
  assert.ok(seen.length >= 1)
  assert.ok(seen.every(({ bytes, entries }) => bytes <= archive.length && entries <= 1))
})

test('a cancelled unpack ends at once though its stream stalls', { skip }, async () => {
  using space = openWorkspace()
  const stalled = new Readable({ read() {} })
  stalled.push(tarEntry({ path: 'a' }))
  const signal = AbortSignal.timeout(200)
  await assert.rejects(space.unpack(Buffer.alloc(0), { blob: stalled, signal }), { name: 'TimeoutError' })
})

test('wrong arguments are refused', { skip }, async () => {
  using space = openWorkspace()
  for (const limits of [
    { maxBytes: 0, maxEntries: 1 },
    { maxBytes: 1.5, maxEntries: 1 },
    { maxBytes: 1, maxEntries: -1 },
  ])
    assert.equal((await space.refusal(tar([]), { limits })).step, 'arguments')
})

test('the digest of a blob is made, and a copy of it', { skip }, async () => {
  using space = openWorkspace()
  const tee = openSync(join(space.path, 'copy'), 'w')
  const result = await space.unpacker.digest(streamOf(NOISE), tee)
  closeSync(tee)
  assert.deepEqual(result, { digest: sha256(NOISE), bytes: NOISE.length })
  assert.deepEqual(readFileSync(join(space.path, 'copy')), NOISE)
})

test('the helper ends when its parent is killed', { skip }, async () => {
  using space = openWorkspace()
  const script = `mkfifo pipe; exec 3<> pipe; "$1" unpack --max-bytes 1000 --max-entries 10 4< root & echo $!; wait`
  const parent = spawn('sh', ['-ec', script, 'sh', space.program], {
    cwd: space.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(parent.stdout, 'data')
  const status = `/proc/${Number(String(line))}/status`
  await until(() => /^NoNewPrivs:\t1$/m.test(readFileSync(status, 'utf8')))
  parent.kill('SIGKILL')
  await until(() => !existsSync(status))
})

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 200, 'it does not come about')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
