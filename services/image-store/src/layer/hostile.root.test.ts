// Layers that try to reach outside: cases IMG-01, 02, 03, 10 and 26 of the attack catalogue.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { type TarEntry, type TarType, tar } from '../../test/tar-writer.ts'
import { listTree } from '../../test/tree-listing.ts'
import { openWorkspace, needsRoot as skip, type Workspace } from '../../test/unpacked.ts'
import { LayerError } from './layer-error.ts'

const bytes = (...codes: number[]): Uint8Array => Uint8Array.from(codes)

test('IMG-01: a name that leaves the root by its letters is unsafe', { skip }, async () => {
  for (const path of [
    '../x',
    '..',
    'a/../../x',
    '/../x',
    './../x',
    'a/b/../../../x',
    '//../x',
    '../root/x',
    'a/../..',
  ]) {
    for (const type of ['file', 'dir', 'symlink', 'fifo'] as const) {
      using space = openWorkspace()
      const error = await space.refusal(
        tar([
          { path: 'a', type: 'dir' },
          { path, type, link: 'x' },
        ]),
      )
      assert.deepEqual([error.reason, error.path], ['UNSAFE_CONTENT', path], `${path} as ${type}`)
    }
  }
})

test('IMG-01: a name that stays inside lands there', { skip }, async () => {
  const cases: Readonly<Record<string, string>> = {
    '/absolute': 'absolute',
    '//twice//slashes': 'twice/slashes',
    './././dots': 'dots',
    'a/../b': 'b',
    'trailing...': 'trailing...',
    '...': '...',
    'a/./b/': 'a/b',
    ' ': ' ',
    'new\nline': 'new\nline',
  }
  for (const [path, expected] of Object.entries(cases)) {
    using space = openWorkspace()
    await space.unpack(tar([{ path, type: path.endsWith('/') ? 'dir' : 'file' }]))
    assert.ok(existsSync(join(space.root, expected)), path)
  }
})

test('IMG-01, IMG-10: a malformed name is invalid', { skip }, async () => {
  const cases: readonly TarEntry[] = [
    { path: '' },
    { path: 'pax', pax: { path: bytes(97, 0, 98) } },
    { path: `${'d'.repeat(200)}/`.repeat(20) + 'x'.repeat(256) },
    { path: 'x'.repeat(256) },
    { path: 'x/'.repeat(2049) },
    { path: 'l', type: 'symlink', link: '' },
    { path: 'l', type: 'symlink', pax: { linkpath: bytes(97, 0, 98) } },
  ]
  for (const entry of cases) {
    using space = openWorkspace()
    const error = await space.refusal(tar([entry]))
    assert.equal(error.reason, 'INVALID', error.message)
  }
  using space = openWorkspace()
  assert.equal((await space.refusal(tar([{ path: '.', content: 'x' }]))).reason, 'UNSAFE_CONTENT')
})

test('IMG-10: long and deep names, and bytes that are not UTF-8, are kept', { skip }, async () => {
  using space = openWorkspace()
  const deep = 'd/'.repeat(2047)
  const odd = bytes(0xff, 0xfe, 0x2f, 0x80)
  await space.unpack(tar([{ path: 'x'.repeat(255) }, { path: `${deep}f` }, { path: odd }]))
  assert.ok(lstatSync(join(space.root, 'x'.repeat(255))).isFile())
  assert.ok(lstatSync(Buffer.concat([Buffer.from(`${space.root}/`), odd])).isFile())
  await space.unpacker.remove(space.root, 'd')
})

test('IMG-10: directories can be nested deeper than any path is long', { skip }, async () => {
  using space = openWorkspace()
  const step = 'd/'.repeat(1000)
  const entries: TarEntry[] = []
  for (let i = 0; i < 10; i++) {
    entries.push({ path: i === 0 ? `${step}s` : `s/${step}s`, type: 'dir' })
    entries.push({ path: 's', type: 'symlink', link: '.' })
  }
  await space.unpack(tar(entries))
  await space.unpacker.remove(space.path, 'root')
  assert.ok(!existsSync(space.root))
})

/** Ways to act on what a symlink points at, at its end or below it. */
const THROUGH: Readonly<Record<string, (link: string) => TarEntry>> = {
  'write a file': (link) => ({ path: `${link}/victim`, content: 'overwritten' }),
  'write a new file': (link) => ({ path: `${link}/new`, content: 'new' }),
  'make a directory': (link) => ({ path: `${link}/dir`, type: 'dir' }),
  'make directories': (link) => ({ path: `${link}/one/two/three` }),
  'make a symlink': (link) => ({ path: `${link}/victim`, type: 'symlink', link: '/' }),
  'make a device': (link) => ({ path: `${link}/victim`, type: 'char', major: 1, minor: 3 }),
  'change the mode and owner': (link) => ({ path: `${link}/sub`, type: 'dir', mode: 0o777, uid: 1000 }),
  'change its own mode': (link) => ({ path: link, type: 'dir', mode: 0o777, uid: 1000, mtime: 5 }),
  'set an attribute': (link) => ({ path: `${link}/sub`, type: 'dir', xattrs: { 'user.x': 'y' } }),
  'whiteout a file': (link) => ({ path: `${link}/.wh.victim` }),
  'whiteout everything': (link) => ({ path: `${link}/.wh..wh..opq` }),
  'replace the link by a file': (link) => ({ path: link, content: 'x' }),
  'link a file from there': (link) => ({ path: 'stolen', type: 'hardlink', link: `${link}/victim` }),
}

/** Symlinks, named `link`, that lead to the folder outside. */
const LEADING: Readonly<Record<string, (space: Workspace) => TarEntry[]>> = {
  absolute: (space) => [symlink('link', space.outside)],
  relative: (space) => [symlink('link', relative(space.root, space.outside))],
  'relative with more dots': (space) => [symlink('link', `${'../'.repeat(40)}${space.outside.slice(1)}`)],
  'in two steps': () => [symlink('up', '..'), symlink('link', 'up/outside')],
  'a chain of 39': (space) => chain(39, space.outside),
  'a chain of 41': (space) => chain(41, space.outside),
  'through a directory': () => [{ path: 'd', type: 'dir' }, symlink('d/up', '../..'), symlink('link', 'd/up/outside')],
  'by proc': (space) => [symlink('link', `/proc/self/root${space.outside}`)],
  'by a descriptor': () => [symlink('link', '/proc/self/fd/4/../outside')],
}

function symlink(path: string, link: string): TarEntry {
  return { path, type: 'symlink', link }
}

function chain(length: number, end: string): TarEntry[] {
  const name = (i: number): string => (i === 0 ? 'link' : `link${i}`)
  return Array.from({ length }, (_, i) => symlink(name(i), i === length - 1 ? end : name(i + 1)))
}

for (const [how, lead] of Object.entries(LEADING)) {
  test(`IMG-02: nothing outside is reached by a symlink: ${how}`, { skip }, async () => {
    for (const [what, act] of Object.entries(THROUGH)) {
      for (const mirrored of [false, true]) {
        using space = openWorkspace()
        plant(space)
        const before = listTree(space.outside)
        const inside = mirrored ? mirror(space) : []
        const outcome = await outcomeOf(space, tar([...inside, ...lead(space), act('link')]))
        assert.ok(outcome === 'done' || outcome === 'UNSAFE_CONTENT', `${what}: ${outcome}`)
        assert.deepEqual(listTree(space.outside), before, what)
        assert.equal(statSync(join(space.outside, 'victim')).nlink, 1, what)
      }
    }
  })
}

function plant(space: Workspace): void {
  writeFileSync(join(space.outside, 'victim'), 'kept')
  symlinkSync('victim', join(space.outside, 'sub'))
}

/** The same folder inside the root, so that the symlink leads somewhere. */
function mirror(space: Workspace): TarEntry[] {
  return [space.outside, 'outside', `proc/self/root${space.outside}`].flatMap((path): TarEntry[] => [
    { path: `${path}/victim`, content: 'inside' },
    { path: `${path}/sub`, type: 'dir' },
  ])
}

async function outcomeOf(space: Workspace, archive: Uint8Array): Promise<string> {
  try {
    await space.unpack(archive)
    return 'done'
  } catch (error) {
    if (error instanceof LayerError) return error.reason
    throw error
  }
}

test('IMG-02: a symlinked directory inside the layer is followed inside', { skip }, async () => {
  using space = openWorkspace()
  const absolute: TarEntry[] = [
    { path: 'usr/lib', type: 'dir' },
    symlink('lib', '/usr/lib'),
    symlink('up', '../../../usr'),
  ]
  await space.unpack(tar([...absolute, { path: 'lib/one', content: '1' }, { path: 'up/lib/two', content: '2' }]))
  assert.equal(readFileSync(join(space.root, 'usr/lib/one'), 'utf8'), '1')
  assert.equal(readFileSync(join(space.root, 'usr/lib/two'), 'utf8'), '2')
})

test('IMG-02, IMG-10: a path is looked up anew when a symlink or directory on it is replaced', { skip }, async () => {
  using space = openWorkspace()
  const entries: TarEntry[] = [
    { path: 'a', type: 'dir' },
    { path: 'b', type: 'dir' },
    symlink('s', 'a'),
    { path: 's/one' },
    symlink('s', 'b'),
    { path: 's/two' },
    { path: 's', type: 'dir' },
    { path: 's/three' },
    symlink('a', 'b'),
    { path: 'a/four' },
  ]
  await space.unpack(tar(entries))
  const names = listTree(space.root).map((line) => line.split(' ')[0])
  assert.deepEqual(names, ['/', '/a', '/b', '/b/four', '/b/two', '/s', '/s/three'])
})

test('IMG-03: a hard link leads only to a file of the layer', { skip }, async () => {
  const cases: Readonly<Record<string, (space: Workspace) => TarEntry[]>> = {
    'to outside by dots': () => [{ path: 'l', type: 'hardlink', link: '../outside/victim' }],
    'to outside by its path': (space) => [{ path: 'l', type: 'hardlink', link: join(space.outside, 'victim') }],
    'by a symlink': () => [symlink('s', '../outside'), { path: 'l', type: 'hardlink', link: 's/victim' }],
    'by two symlinks': () => [
      symlink('a', '..'),
      symlink('b', 'a/outside'),
      { path: 'l', type: 'hardlink', link: 'b/victim' },
    ],
    'to nothing': () => [{ path: 'l', type: 'hardlink', link: 'missing' }],
    'to a directory': () => [
      { path: 'd', type: 'dir' },
      { path: 'l', type: 'hardlink', link: 'd' },
    ],
    'to the root': () => [{ path: 'l', type: 'hardlink', link: '.' }],
    'to a whiteout': () => [{ path: '.wh.gone' }, { path: 'l', type: 'hardlink', link: 'gone' }],
    'to the name of a whiteout': () => [{ path: '.wh.gone' }, { path: 'l', type: 'hardlink', link: '.wh.gone' }],
    'to what it replaces': () => [{ path: 'd/f' }, { path: 'd', type: 'hardlink', link: 'd/f' }],
  }
  for (const [what, entries] of Object.entries(cases)) {
    using space = openWorkspace()
    plant(space)
    assert.equal((await space.refusal(tar(entries(space)))).reason, 'UNSAFE_CONTENT', what)
    assert.equal(statSync(join(space.outside, 'victim')).nlink, 1, what)
  }
  using space = openWorkspace()
  plant(space)
  // A link of the symlink itself, which is then replaced: what it pointed at is never opened.
  const links: TarEntry[] = [symlink('s', '../outside/victim'), { path: 'l', type: 'hardlink', link: 's' }]
  await space.unpack(tar([...links, { path: 'l', content: 'mine' }]))
  assert.equal(readFileSync(join(space.outside, 'victim'), 'utf8'), 'kept')
})

test('a parent that is not a directory is unsafe', { skip }, async () => {
  for (const entry of [
    { path: 'p' },
    { path: 'p', type: 'fifo' },
    symlink('p', 'missing'),
    symlink('p', 'p'),
  ] as TarEntry[]) {
    using space = openWorkspace()
    assert.equal((await space.refusal(tar([entry, { path: 'p/f' }]))).reason, 'UNSAFE_CONTENT')
  }
})

test('a device that is a whiteout is unsafe', { skip }, async () => {
  using space = openWorkspace()
  assert.equal((await space.refusal(tar([{ path: 'w', type: 'char' }]))).reason, 'UNSAFE_CONTENT')
  await space.unpack(
    tar([
      { path: 'b', type: 'block' },
      { path: 'f', type: 'fifo' },
    ]),
  )
})

test('IMG-26: times beyond any clock are kept or clamped, modes are kept', { skip }, async () => {
  const year = (at: number): number => Math.round(at * 31_556_952)
  using space = openWorkspace()
  const times: readonly [string, number | string][] = [
    ['negative', -2],
    ['fraction', '-1.5'],
    ['late', year(1e9)],
    ['latest', '99999999999999999999'],
    ['earliest', '-99999999999999999999'],
  ]
  const entries = times.map(
    ([path, time]): TarEntry => (typeof time === 'number' ? { path, mtime: time } : { path, pax: { mtime: time } }),
  )
  const types: readonly TarType[] = ['file', 'dir', 'fifo']
  await space.unpack(tar([...entries, ...types.map((type): TarEntry => ({ path: `all-${type}`, type, mode: 0o7777 }))]))
  const ns = (path: string): bigint => lstatSync(join(space.root, path), { bigint: true }).mtimeNs
  assert.equal(ns('negative'), -2_000_000_000n)
  assert.equal(ns('fraction'), -1_500_000_000n)
  assert.equal(ns('late'), ns('latest'))
  assert.ok(ns('latest') > ns('negative') && ns('earliest') < ns('negative'))
  for (const type of types) assert.equal(lstatSync(join(space.root, `all-${type}`)).mode & 0o7777, 0o7777)
})

test('IMG-26: an owner outside the range of ids is unsafe', { skip }, async () => {
  const cases: readonly TarEntry[] = [
    { path: 'f', uid: 65_536 },
    { path: 'f', gid: 2 ** 32 - 1 },
    { path: 'f', pax: { uid: '4294967295' } },
    { path: 'd', type: 'dir', pax: { gid: '18446744073709551615' } },
    { path: 'f', uid: 2 ** 60 },
  ]
  for (const entry of cases) {
    using space = openWorkspace()
    assert.equal((await space.refusal(tar([entry]))).reason, 'UNSAFE_CONTENT')
  }
  using space = openWorkspace()
  const limits = { maxBytes: 1 << 20, maxEntries: 10, uidMax: 65_534 }
  assert.equal((await space.refusal(tar([{ path: 'f', uid: 65_535 }]), { limits })).reason, 'UNSAFE_CONTENT')
  assert.equal((await space.refusal(tar([{ path: 'f', uid: -1 }]))).reason, 'INVALID')
})
