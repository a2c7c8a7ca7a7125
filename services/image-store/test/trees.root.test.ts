import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import type { WriteArchiveOptions } from '@caisson/api/snapshot'
import { HELPER, ImageStoreFixture, upload } from './image-store-fixture.ts'
import { type TarEntry, tar } from './tar-writer.ts'
import { needsRoot as skip } from './unpacked.ts'

const IMAGE: readonly TarEntry[] = [
  { path: 'etc/', type: 'dir', mode: 0o755, mtime: 1 },
  { path: 'etc/a.conf', content: 'a', mode: 0o640, uid: 3, gid: 4, mtime: 2 },
  { path: 'etc/b.conf', content: 'bb', mtime: 3 },
  { path: 'etc/b.bak', content: 'old', mtime: 3 },
  { path: 'etc/sub/', type: 'dir', mode: 0o700, mtime: 4 },
  { path: 'etc/sub/c', content: 'ccc', pax: { 'SCHILY.xattr.user.kind': 'x' }, mtime: 5 },
  { path: 'etc/hard', type: 'hardlink', link: 'etc/a.conf' },
  { path: 'lib', type: 'symlink', link: '/etc', mtime: 6 },
  { path: 'dir/', type: 'dir', mode: 0o755, mtime: 7 },
]
let store: ImageStoreFixture
let made = 0

before(async () => {
  if (skip) return
  store = await ImageStoreFixture.open()
  await store.import(tar(IMAGE), { reference: 'trees' })
})

after(async () => {
  if (!skip) await store[Symbol.asyncDispose]()
})

async function snapshot(kind: 'prepare' | 'view' = 'prepare'): Promise<string> {
  const key = `tree-${made++}`
  await store.snapshots[kind]({ key, base: { $case: 'image', value: 'trees' } })
  return key
}

async function read(key: string, path: string, more: object = {}): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const { chunk } of store.snapshots.readArchive({ key, path, ...more })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const lines = (archive: Uint8Array): string[] =>
  spawnSync('tar', ['-tv', '--numeric-owner', '--full-time', '--utc'], { input: archive })
    .stdout.toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replaceAll(/ +/g, ' ').replace(/^l\S+/, 'l'))

const names = (archive: Uint8Array): string[] =>
  spawnSync('tar', ['-t'], { input: archive }).stdout.toString().split('\n').filter(Boolean)

function write(key: string, path: string, entries: readonly TarEntry[], more: Partial<WriteArchiveOptions> = {}) {
  const options = { key, path, noOverwriteDir: true, keepOwners: true, makePath: false, live: undefined, ...more }
  return store.snapshots.writeArchive(upload(options, tar(entries)))
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof CaissonError) return error.reason
    throw error
  }
  return 'not refused'
}

const hash = async (key: string, ...paths: string[]): Promise<readonly string[]> =>
  (await store.snapshots.hashPaths({ key, paths, exclude: [] })).digests

test('a path is read as a tar with all its attributes', { skip }, async () => {
  const key = await snapshot()
  assert.deepEqual(lines(await read(key, '/etc')), [
    'drwxr-xr-x 0/0 0 1970-01-01 00:00:01 etc/',
    '-rw-r----- 3/4 1 1970-01-01 00:00:02 etc/a.conf',
    '-rw-r--r-- 0/0 3 1970-01-01 00:00:03 etc/b.bak',
    '-rw-r--r-- 0/0 2 1970-01-01 00:00:03 etc/b.conf',
    'hrw-r----- 3/4 0 1970-01-01 00:00:02 etc/hard link to etc/a.conf',
    'drwx------ 0/0 0 1970-01-01 00:00:04 etc/sub/',
    '-rw-r--r-- 0/0 3 1970-01-01 00:00:05 etc/sub/c',
  ])
  assert.match((await read(key, '/etc/sub/c')).toString('latin1'), /SCHILY\.xattr\.user\.kind=x/)
  assert.deepEqual(names(await read(key, '/etc/sub/.')), ['c'])
  assert.deepEqual(names(await read(key, '/etc/sub', { name: 'other' })), ['other/', 'other/c'])
  assert.deepEqual(lines(await read(key, '/lib')), ['l 0/0 0 1970-01-01 00:00:06 lib -> /etc'])
  assert.ok(names(await read(key, '/lib', { follow: true })).includes('lib/sub/c'))
})

test('a directory of the host is read and written like a tree, and nothing outside of it', { skip }, async () => {
  const directory = join(store.root, 'plain')
  mkdirSync(join(directory, 'sub'), { recursive: true })
  writeFileSync(join(store.root, 'outside'), 'as it was')
  symlinkSync('..', join(directory, 'up'))
  assert.equal((await write('', '/', [{ path: 'sub/f', content: 'x' }], { directory })).entries, 1)
  assert.deepEqual(names(await read('', '/.', { directory })).toSorted(), ['sub/', 'sub/f', 'up'])
  assert.equal((await store.snapshots.statPath({ directory, path: '/sub/f' })).size, 1)
  assert.equal(await refusal(store.snapshots.statPath({ directory, path: '/up/outside' })), 'PATH_NOT_FOUND')
  await refusal(write('', '/', [{ path: 'up/outside', content: 'changed' }], { directory }))
  assert.equal(readFileSync(join(store.root, 'outside'), 'utf8'), 'as it was')
  assert.equal(await refusal(store.snapshots.statPath({ directory: 'plain', path: '/' })), 'INVALID_PATH')
  assert.equal(await refusal(store.snapshots.statPath({ directory, key: 'x', path: '/' })), 'ROOT_TWICE')
})

test('what is at a path is told without following it, or with', { skip }, async () => {
  const key = await snapshot('view')
  const link = await store.snapshots.statPath({ key, path: '/lib' })
  assert.deepEqual([link.name, link.linkTarget, link.mode & 0o170000], ['lib', '/etc', 0o120000])
  const file = await store.snapshots.statPath({ key, path: 'lib/a.conf' })
  assert.deepEqual([file.name, file.size, file.mode, file.uid, file.gid], ['a.conf', 1, 0o100640, 3, 4])
  assert.equal(file.modifiedAt?.seconds, 2)
  assert.equal((await store.snapshots.statPath({ key, path: '/lib', follow: true })).mode, 0o40755)
  assert.equal(await refusal(store.snapshots.statPath({ key, path: '/none' })), 'PATH_NOT_FOUND')
  assert.equal(await refusal(store.snapshots.statPath({ key, path: '/etc/a.conf/x' })), 'NOT_A_DIRECTORY')
  assert.equal(await refusal(store.snapshots.statPath({ key, path: '' })), 'INVALID_PATH')
  assert.equal(await refusal(store.snapshots.statPath({ key: 'none', path: '/' })), 'SNAPSHOT_NOT_FOUND')
})

test('a tar is unpacked into a snapshot and is there for whoever mounts it', { skip }, async () => {
  const key = await snapshot()
  const written = await write(key, '/etc', [
    { path: 'new', content: 'new', mode: 0o4755, uid: 7, gid: 8, mtime: 9 },
    { path: 'a.conf', content: 'changed' },
    { path: 'sub/', type: 'dir', mode: 0o711 },
  ])
  assert.deepEqual(written, { bytes: 10, entries: 3 })
  const { mount } = await store.snapshots.get({ key })
  assert.equal(readFileSync(join(mount?.upperDir ?? '', 'etc/new'), 'utf8'), 'new')
  assert.match(lines(await read(key, '/etc/new'))[0] ?? '', /^-rwsr-xr-x 7\/8 3 1970-01-01 00:00:09 new$/)
  assert.ok(names(await read(key, '/etc')).includes('etc/sub/c'))
  await write(key, '/made/deep', [{ path: 'x', content: 'x', uid: 9 }], { makePath: true, keepOwners: false })
  assert.match(lines(await read(key, '/made/deep/x'))[0] ?? '', / 0\/0 1 /)
})

test('writing is refused where it cannot be, and what leads out is refused', { skip }, async () => {
  const key = await snapshot()
  const file: TarEntry = { path: 'x', content: 'x' }
  assert.equal(await refusal(write(await snapshot('view'), '/etc', [file])), 'READ_ONLY')
  assert.equal(await refusal(write(key, '/none', [file])), 'PATH_NOT_FOUND')
  assert.equal(await refusal(write(key, '/etc/a.conf', [file])), 'NOT_A_DIRECTORY')
  assert.equal(await refusal(write(key, '/etc', [{ path: 'sub', content: 'x' }])), 'KIND_MISMATCH')
  assert.equal(await refusal(write(key, '/etc', [{ path: 'a.conf/', type: 'dir' }])), 'KIND_MISMATCH')
  assert.equal(await refusal(write(key, '/etc', [{ path: '../../x', content: 'x' }])), 'UNSAFE_CONTENT')
  await write(key, '/dir', [{ path: 'abs', type: 'symlink', link: '/etc' }])
  assert.equal(await refusal(write(key, '/dir', [{ path: 'abs/x', content: 'x' }])), 'UNSAFE_CONTENT')
  assert.equal(await refusal(write(key, '/etc', [{ path: 'c', type: 'char', major: 0, minor: 0 }])), 'UNSAFE_CONTENT')
  // From the root on, the links of the tree are its own.
  await write(key, '/', [{ path: 'lib/through', content: 'x' }])
  assert.deepEqual(names(await read(key, '/etc/through')), ['through'])
})

/** The digest of etc/b.conf, made from the definition in tree_hash.h. */
function documented(): string {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    return bytes
  }
  const string = (text: string): Buffer => Buffer.concat([number(text.length), Buffer.from(text)])
  const record = [Buffer.from('f'), string(''), number(0o644), number(0), number(0), string('bb'), number(0)]
  const bytes = Buffer.concat([Buffer.from('caisson tree 1\n'), ...record])
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

test('the digest of content is the same in every version', { skip }, async () => {
  const key = await snapshot()
  assert.deepEqual(await hash(key, '/etc/b.conf', '/etc', '/etc/*.conf'), [
    documented(),
    'sha256:df25bd9e46d8bc3c849f4d56e7b3af7136e0d00d9e6f383b62cff67d1269d2d4',
    'sha256:9be9683fc3bd19d2bf85053027bf80b40030b934c7712e8cece90bfe56aca7c3',
  ])
})

test('the digest is that of the content: it differs with each attribute and not with times or links', {
  skip,
}, async () => {
  const key = await snapshot()
  const base: TarEntry = { path: 'f', content: 'content', mode: 0o644, uid: 1, gid: 2, mtime: 5 }
  const digestOf = async (...entries: readonly TarEntry[]): Promise<string> => {
    const path = `/made/${made++}`
    await write(key, path, entries, { makePath: true })
    return (await hash(key, path))[0] ?? ''
  }
  const first = await digestOf(base)
  assert.equal(await digestOf({ ...base, mtime: 77 }), first)
  const others: readonly TarEntry[] = [
    { ...base, path: 'g' },
    { ...base, content: 'content!' },
    { ...base, content: 'Content' },
    { ...base, mode: 0o755 },
    { ...base, mode: 0o4644 },
    { ...base, uid: 2 },
    { ...base, gid: 3 },
    { ...base, pax: { 'SCHILY.xattr.user.x': 'y' } },
    { ...base, pax: { 'SCHILY.xattr.user.x': 'z' } },
    { path: 'f', type: 'symlink', link: 'a' },
    { path: 'f', type: 'symlink', link: 'b' },
    { path: 'f', type: 'dir' },
    { path: 'f', type: 'fifo' },
    { path: 'f', type: 'char', major: 1, minor: 3 },
    { path: 'f', type: 'char', major: 1, minor: 5 },
    { path: 'f', type: 'block', major: 1, minor: 3 },
  ]
  const digests = [first]
  for (const other of others) digests.push(await digestOf(other))
  assert.equal(new Set(digests).size, digests.length)
  const twice = { path: 'h', content: 'content', mode: 0o644, uid: 1, gid: 2 }
  assert.equal(await digestOf(base, { path: 'h', type: 'hardlink', link: 'f' }), await digestOf(base, twice))
})

test('a copy has the digest of its source, and follows the rules of COPY', { skip }, async () => {
  const [from, to] = [await snapshot(), await snapshot()]
  const copy = (sources: readonly string[], target: string, more: object = {}) =>
    store.snapshots.copy({ from, to, sources: [...sources], target, ...more })
  await copy(['/etc'], '/copied')
  const without = (digests: readonly string[]): string | undefined => digests[0]
  assert.equal(without(await hash(to, '/copied/sub')), without(await hash(from, '/etc/sub')))
  await copy(['/etc/a.conf'], '/file')
  await copy(['/etc/a.conf'], '/into/')
  await copy(['/etc/*.conf'], '/wild')
  await copy(['/etc/sub', '/etc/b.conf'], '/several')
  await copy(['/lib/b.conf'], '/dir')
  assert.deepEqual(names(await read(to, '/file')), ['file'])
  assert.deepEqual(names(await read(to, '/into')), ['into/', 'into/a.conf'])
  assert.deepEqual(names(await read(to, '/wild')), ['wild/', 'wild/a.conf', 'wild/b.conf'])
  assert.deepEqual(names(await read(to, '/several')), ['several/', 'several/b.conf', 'several/c'])
  assert.deepEqual(names(await read(to, '/dir')), ['dir/', 'dir/b.conf'])
  await copy(['/etc'], '/some', { owner: '5:6', mode: '0700', exclude: ['*.conf', '**/c'] })
  assert.deepEqual(
    lines(await read(to, '/some')).map((line) => line.replace(/ \d{4}-.* /, ' ')),
    [
      'drwxr-xr-x 0/0 0 some/',
      '-rwx------ 5/6 3 some/b.bak',
      '-rwx------ 5/6 1 some/hard',
      'drwx------ 5/6 0 some/sub/',
    ],
  )
  await copy(['/etc/sub/c', '/etc/b.conf'], '/kept', { parents: true })
  assert.deepEqual(names(await read(to, '/kept')), [
    'kept/',
    'kept/etc/',
    'kept/etc/b.conf',
    'kept/etc/sub/',
    'kept/etc/sub/c',
  ])
  assert.equal(await refusal(copy(['/etc/*.none'], '/x')), 'PATH_NOT_FOUND')
  assert.equal(await refusal(copy(['/etc/['], '/x')), 'INVALID_ARCHIVE')
  assert.equal(await refusal(copy([], '/x')), 'PATHS_MISSING')
  assert.equal(await refusal(copy(['/etc'], '/x', { mode: '999' })), 'INVALID_MODE')
  assert.equal(await refusal(copy(['/etc'], '/x', { owner: 'root' })), 'INVALID_OWNER')
})

test('a process is known by its start time, and a bad one is refused', { skip }, async () => {
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8')
  const startTime = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  const live = { pid: process.pid, startTime }
  assert.equal((await store.snapshots.statPath({ live, path: '/etc/passwd' })).name, 'passwd')
  const other = { ...live, startTime: startTime + 1 }
  assert.equal(await refusal(store.snapshots.statPath({ live: other, path: '/' })), 'PROCESS_GONE')
  assert.equal(await refusal(store.snapshots.statPath({ live: { pid: -1, startTime }, path: '/' })), 'INVALID_PID')
  assert.equal(await refusal(store.snapshots.statPath({ live, key: 'x', path: '/' })), 'ROOT_TWICE')
})

test('a call that is cancelled ends its helper, and nothing stays mounted', { skip }, async () => {
  const key = await snapshot()
  await write(key, '/', [{ path: 'large', content: Buffer.alloc(32 << 20) }])
  const controller = new AbortController()
  const reading = store.snapshots.readArchive({ key, path: '/large' }, { signal: controller.signal })
  const iterator = reading[Symbol.asyncIterator]()
  await iterator.next()
  controller.abort()
  await assert.rejects(async () => {
    for (;;) if ((await iterator.next()).done) break
  })
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(store.root))
})

test('nothing of the tree is executed', {
  skip: skip || (!existsSync('/usr/bin/strace') && "needs Debian's package strace"),
}, async () => {
  const key = await snapshot()
  const { mount } = await store.snapshots.get({ key })
  const helper = HELPER
  const trace = join(store.root, 'trace')
  const roots = (mount?.lowerDirs ?? []).flatMap((directory) => ['--lower', directory])
  const archive = join(store.root, 'archive.tar')
  writeFileSync(archive, tar([{ path: 'x', content: 'x' }]))
  const calls = [
    `tree-read ${roots.join(' ')} --max-entries 99 -- /etc 5>/dev/null`,
    `tree-write ${roots.join(' ')} --upper ${mount?.upperDir} --work ${mount?.workDir} --max-entries 9 --max-bytes 99999 -- /etc 3<${archive}`,
    `tree-hash ${roots.join(' ')} --max-entries 99 -- /etc`,
  ]
  for (const call of calls) {
    const script = `exec strace -f -e trace=execve,execveat,open,openat -o ${trace} ${helper} ${call}`
    const ran = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
    assert.equal(ran.status, 0, ran.stdout + ran.stderr)
    const seen = readFileSync(trace, 'utf8').split('\n')
    assert.equal(seen.filter((line) => line.includes('execve')).length, 1)
    // After it has looked at its root it loads no library and opens nothing by a path of its own.
    const last = seen.findLastIndex((line) => line.includes('AT_FDCWD') && !line.includes('/proc/self/fd/'))
    const first = seen.findIndex((line) => line.includes('/proc/self/fd/'))
    assert.ok(first === -1 || last < first, seen.slice(first, last + 1).join('\n'))
  }
})
