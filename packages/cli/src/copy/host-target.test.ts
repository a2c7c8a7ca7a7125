import assert from 'node:assert/strict'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api/error'
import { type TarEntry, tar } from '@caisson/testkit'
import { readHost } from './host-source.ts'
import { writeHost } from './host-target.ts'

/** A directory to unpack into, and one beside it that nothing may touch. */
function workspace(): { into: string; outside: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'csn-extract-'))
  const [into, outside] = [join(path, 'into'), join(path, 'outside')]
  mkdirSync(into)
  mkdirSync(outside)
  writeFileSync(join(outside, 'canary'), 'canary')
  return { into, outside, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
}

async function unpack(directory: string, entries: readonly TarEntry[]): Promise<string[]> {
  const leftOut: string[] = []
  await writeHost(pieces(tar(entries)), { directory, keepOwners: false, leftOut: (path) => void leftOut.push(path) })
  return leftOut
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return error instanceof CaissonError ? error.reason : String(error)
  }
  return 'done'
}

test('files, directories and links are made with their attributes, without set-id bits', async () => {
  using space = workspace()
  const leftOut = await unpack(space.into, [
    { path: 'dir/', type: 'directory', mode: 0o500 },
    { path: 'dir/file', content: 'x'.repeat(2_000), mode: 0o4751 },
    { path: 'dir/deep/implied', content: 'y' },
    { path: 'link', type: 'symlink', target: '/nowhere' },
    { path: 'hard', type: 'hardlink', target: 'dir/file' },
    { path: 'pipe', type: 'fifo' },
    { path: 'null', type: 'char', major: 1, minor: 3 },
  ])
  assert.deepEqual(leftOut, ['pipe', 'null'])
  assert.equal(statSync(join(space.into, 'dir')).mode & 0o7777, 0o500)
  assert.equal(statSync(join(space.into, 'dir/file')).mode & 0o7777, 0o751)
  assert.equal(statSync(join(space.into, 'dir/file')).mtimeMs, 0)
  assert.equal(readFileSync(join(space.into, 'hard'), 'utf8').length, 2_000)
  assert.equal(statSync(join(space.into, 'hard')).nlink, 2)
  assert.equal(readFileSync(join(space.into, 'dir/deep/implied'), 'utf8'), 'y')
})

test('nothing is written through a link, wherever it came from', async () => {
  using space = workspace()
  const through: readonly TarEntry[] = [{ path: 'link/planted', content: 'x' }]
  const link: TarEntry = { path: 'link', type: 'symlink', target: space.outside }
  assert.equal(await reasonOf(unpack(space.into, [link, ...through])), 'KIND_MISMATCH')
  assert.equal(await reasonOf(unpack(space.into, through)), 'KIND_MISMATCH')
  assert.equal(await reasonOf(unpack(space.into, [{ path: 'link/', type: 'directory' }])), 'KIND_MISMATCH')
  // A link that is there is replaced, not written to.
  symlinkSync(join(space.outside, 'canary'), join(space.into, 'file'))
  await unpack(space.into, [{ path: 'file', content: 'new' }])
  assert.ok(lstatSync(join(space.into, 'file')).isFile())
  const hard: TarEntry = { path: 'hard', type: 'hardlink', target: 'link/canary' }
  assert.equal(await reasonOf(unpack(space.into, [hard])), 'KIND_MISMATCH')
  assert.deepEqual(readdirSync(space.outside), ['canary'])
  assert.equal(readFileSync(join(space.outside, 'canary'), 'utf8'), 'canary')
})

test('names that lead out are refused, and absolute ones stay inside', async () => {
  using space = workspace()
  for (const path of ['../planted', 'a/../../planted', '..'])
    assert.equal(await reasonOf(unpack(space.into, [{ path, content: 'x' }])), 'UNSAFE_CONTENT')
  const hard: TarEntry = { path: 'hard', type: 'hardlink', target: '../outside/canary' }
  assert.equal(await reasonOf(unpack(space.into, [hard])), 'UNSAFE_CONTENT')
  await unpack(space.into, [{ path: '/abs/file', content: 'x' }])
  assert.ok(existsSync(join(space.into, 'abs/file')))
  assert.deepEqual(readdirSync(space.outside), ['canary'])
})

test('directories and other things do not replace one another, and other names of a file keep what they have', async () => {
  using space = workspace()
  mkdirSync(join(space.into, 'dir'))
  writeFileSync(join(space.into, 'file'), 'old')
  linkSync(join(space.into, 'file'), join(space.outside, 'other'))
  assert.equal(await reasonOf(unpack(space.into, [{ path: 'dir', content: 'x' }])), 'KIND_MISMATCH')
  assert.equal(await reasonOf(unpack(space.into, [{ path: 'file/', type: 'directory' }])), 'KIND_MISMATCH')
  await unpack(space.into, [{ path: 'file', content: 'new' }])
  assert.equal(readFileSync(join(space.outside, 'other'), 'utf8'), 'old')
})

test('a directory that becomes a link while an archive is unpacked is not followed', async () => {
  using space = workspace()
  const archive = tar([
    { path: 'dir/', type: 'directory' },
    { path: 'dir/first', content: 'x' },
    { path: 'elsewhere', content: 'x' },
    { path: 'dir/sub/second', content: 'x' },
  ])
  async function* swapping(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 3 * 512)
    while (!existsSync(join(space.into, 'elsewhere')) && !existsSync(join(space.into, 'dir/first'))) {
      yield Buffer.alloc(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    yield archive.subarray(3 * 512, 5 * 512)
    while (!existsSync(join(space.into, 'elsewhere'))) await new Promise((resolve) => setImmediate(resolve))
    renameSync(join(space.into, 'dir'), join(space.into, 'was'))
    symlinkSync(space.outside, join(space.into, 'dir'))
    yield archive.subarray(5 * 512)
  }
  const writing = writeHost(swapping(), { directory: space.into, keepOwners: false, leftOut: () => {} })
  assert.equal(await reasonOf(writing), 'KIND_MISMATCH')
  assert.deepEqual(readdirSync(space.outside), ['canary'])
})

test('what is packed here comes out the same, long names and all', async () => {
  using space = workspace()
  const long = 'n'.repeat(180)
  mkdirSync(join(space.outside, long))
  writeFileSync(join(space.outside, long, long), Buffer.alloc(700_000, 'z'), { mode: 0o640 })
  symlinkSync('anywhere', join(space.outside, 'link'))
  const archive = readHost({ path: space.outside, name: 'copy', follow: false }, () => {})
  await writeHost(archive, { directory: space.into, keepOwners: false, leftOut: () => {} })
  assert.deepEqual(readdirSync(join(space.into, 'copy')).sort(), ['canary', 'link', long])
  assert.equal(readFileSync(join(space.into, 'copy', long, long)).length, 700_000)
  assert.equal(statSync(join(space.into, 'copy', long, long)).mode & 0o777, 0o640)
})
