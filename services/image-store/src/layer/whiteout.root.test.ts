// Whiteouts, on disk and as the overlay file system of this kernel sees them: case IMG-05 of the attack catalogue.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type TarEntry, tar } from '../../test/tar-writer.ts'
import { listTree } from '../../test/tree-listing.ts'
import { LIMITS, openWorkspace, needsRoot as skip, streamOf, type Workspace } from '../../test/unpacked.ts'
import { attributesOf } from '../../test/xattrs.ts'

const OPAQUE = { 'trusted.overlay.opaque': Buffer.from('y').toString('hex') }

test('a whiteout becomes the device that overlayfs takes for one', { skip }, async () => {
  using space = openWorkspace()
  const result = await space.unpack(tar([{ path: '.wh.gone' }, { path: 'd/.wh....' }, { path: 'd/.wh.x y' }]))
  for (const path of ['gone', 'd/...', 'd/x y']) {
    const about = lstatSync(join(space.root, path))
    assert.ok(about.isCharacterDevice() && about.rdev === 0, path)
  }
  assert.deepEqual([result.entries, result.rootOpaque], [3, false])
})

test('IMG-05: a malformed whiteout is unsafe', { skip }, async () => {
  const cases: Readonly<Record<string, readonly TarEntry[]>> = {
    'of nothing': [{ path: '.wh.' }],
    'of itself': [{ path: 'd/.wh..' }],
    'of its parent': [{ path: 'd/.wh...' }],
    'of a whiteout': [{ path: '.wh..wh.x' }],
    'with entries below it': [{ path: '.wh.d/f' }],
    'with a slash behind': [{ path: '.wh.d/' }],
    'that is a symlink': [{ path: '.wh.l', type: 'symlink', link: 'x' }],
    'that is a device': [{ path: '.wh.l', type: 'char', major: 1, minor: 3 }],
    'with entries below an opaque mark': [{ path: 'd/.wh..wh..opq/f' }],
    'by a symlink': [{ path: 'd', type: 'dir' }, { path: 's', type: 'symlink', link: 'd' }, { path: 's/.wh.x' }],
    'by an absolute symlink': [{ path: 's', type: 'symlink', link: '/' }, { path: 's/.wh.x' }],
    'of everything by a symlink': [
      { path: 'd', type: 'dir' },
      { path: 's', type: 'symlink', link: 'd' },
      { path: 's/.wh..wh..opq' },
    ],
    'by dots': [{ path: '../.wh.x' }],
  }
  for (const [what, entries] of Object.entries(cases)) {
    using space = openWorkspace()
    assert.equal((await space.refusal(tar(entries))).reason, 'UNSAFE_CONTENT', what)
    assert.deepEqual(readdirSync(space.path).sort(), ['outside', 'root'], what)
  }
})

test('IMG-05: an opaque mark is set on its directory, and reported for the root', { skip }, async () => {
  using space = openWorkspace()
  const result = await space.unpack(tar([{ path: 'a/.wh..wh..opq' }, { path: 'b', type: 'dir' }]))
  assert.equal(result.rootOpaque, false)
  assert.deepEqual([attributesOf(space.root, 'a'), attributesOf(space.root, 'b')], [OPAQUE, {}])
  assert.equal((await space.unpack(tar([{ path: '.wh..wh..opq' }]))).rootOpaque, true)
})

test('metadata of an old storage driver is skipped', { skip }, async () => {
  using space = openWorkspace()
  const old = ['.wh..wh.aufs', '.wh..wh.orph/', '.wh..wh.plnk/12.34']
  await space.unpack(tar([...old.map((path): TarEntry => ({ path, content: 'x' })), { path: 'f' }]))
  assert.deepEqual(readdirSync(space.root), ['f'])
})

test('a lowest layer has nothing to hide: whiteouts are checked and not written', { skip }, async () => {
  using space = openWorkspace()
  const lowest = { lowest: true }
  const result = await space.unpack(
    tar([{ path: 'd/.wh.x' }, { path: 'd/.wh..wh..opq' }, { path: '.wh..wh..opq' }]),
    lowest,
  )
  assert.deepEqual([readdirSync(join(space.root, 'd')), attributesOf(space.root, 'd')], [[], {}])
  assert.equal(result.rootOpaque, false)
  assert.equal((await space.refusal(tar([{ path: '.wh.' }]), lowest)).reason, 'UNSAFE_CONTENT')
})

test('in plain format whiteouts are ordinary files', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar([{ path: '.wh.gone', content: 'x' }, { path: '.wh..wh..opq' }]), { format: 'plain' })
  assert.equal(readFileSync(join(space.root, '.wh.gone'), 'utf8'), 'x')
  assert.deepEqual(attributesOf(space.root, '.'), {})
})

const LOWER: readonly TarEntry[] = [
  { path: 'file', content: 'lower' },
  { path: 'dir/lower', content: 'lower' },
  { path: 'dir/both', content: 'lower' },
  { path: 'dir/sub/lower', content: 'lower' },
]
const DIR: TarEntry = { path: 'dir', type: 'dir' }
const BOTH: TarEntry = { path: 'dir/both', content: 'upper' }
const FILE: TarEntry = { path: 'dir', content: 'a file for a moment' }
const GONE: TarEntry = { path: '.wh.dir' }
const OPQ: TarEntry = { path: 'dir/.wh..wh..opq' }

/** What is left of the lower layer below an upper one. */
const STACKS: Readonly<Record<string, { upper: readonly TarEntry[]; merged: readonly string[] }>> = {
  'nothing is hidden by a directory': { upper: [DIR, BOTH], merged: ['both=upper', 'lower=lower', 'sub'] },
  'a file is hidden by a whiteout': {
    upper: [{ path: 'dir/.wh.lower' }, { path: 'dir/.wh.sub' }],
    merged: ['both=lower'],
  },
  'an opaque mark first': { upper: [DIR, OPQ, BOTH], merged: ['both=upper'] },
  'an opaque mark last': { upper: [DIR, BOTH, OPQ], merged: ['both=upper'] },
  'an opaque mark before its directory': { upper: [OPQ, BOTH, DIR], merged: ['both=upper'] },
  'a whiteout before a directory': { upper: [GONE, DIR, BOTH], merged: ['both=upper'] },
  'a whiteout before an implied directory': { upper: [GONE, BOTH], merged: ['both=upper'] },
  'a whiteout after a directory': { upper: [DIR, BOTH, GONE], merged: ['both=upper'] },
  'a file before a directory': { upper: [FILE, DIR, BOTH], merged: ['both=upper'] },
  'a whiteout between a file and a directory': { upper: [FILE, GONE, DIR, BOTH], merged: ['both=upper'] },
  'a whiteout and an entry of the same name': {
    upper: [BOTH, { path: 'dir/.wh.both' }, { path: 'dir/.wh.lower' }, { path: 'dir/lower', content: 'upper' }],
    merged: ['both=upper', 'lower=upper', 'sub'],
  },
}

for (const [what, { upper, merged }] of Object.entries(STACKS)) {
  test(`overlayfs shows what the image specification says: ${what}`, { skip }, async () => {
    using space = openWorkspace()
    const seen = await mergedDirectory(space, upper)
    assert.deepEqual(seen, merged)
    const whiteouts = listTree(join(space.path, 'upper')).filter((line) => line.includes(' char '))
    assert.ok(whiteouts.every((line) => !/\/(dir|dir\/both) /.test(line)))
  })
}

/** Mounts both layers in a mount namespace of its own, and lists `dir` there. */
async function mergedDirectory(space: Workspace, upper: readonly TarEntry[]): Promise<string[]> {
  for (const [name, entries] of [
    ['lower', LOWER],
    ['upper', upper],
  ] as const) {
    mkdirSync(join(space.path, name))
    await space.unpacker.unpack({ blob: streamOf(tar(entries)), target: join(space.path, name), limits: LIMITS })
  }
  const script = `mount -t overlay overlay -o lowerdir=upper:lower root && cd root/dir &&
    for name in *; do if [ -f $name ]; then echo $name=$(cat $name); else echo $name; fi; done`
  const ran = spawnSync('unshare', ['--mount', 'sh', '-ec', script], { cwd: space.path, encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout.trim().split('\n')
}

test('a directory removed by its last entry is not there', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar([BOTH, { path: 'dir', type: 'symlink', link: 'elsewhere' }]))
  assert.ok(!existsSync(join(space.root, 'dir/both')))
  assert.equal(statSync(space.root).isDirectory(), true)
})
