// What the writer wrote, read by others.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { listTree } from '../../test/tree-listing.ts'
import { needsRoot, openWorkspace, type Workspace } from '../../test/unpacked.ts'
import type { Compression, DiffResult } from './answer.ts'
import { createDiffer, type DiffOptions } from './differ.ts'
import { LayerError } from './layer-error.ts'

const LIMITS = { maxBytes: 1 << 30, maxEntries: 10_000 }

/** A tree with everything that a tar can hold. */
const PLANT = `
mkdir -p a/b setgid private
printf hello > a/file; chmod 4751 a/file; ln a/file a/b/hard; ln -s ../file a/b/soft; ln a/b/soft a/hard-of-soft
chmod 2775 setgid; chown 12:34 setgid; chmod 1777 a/b; chmod 700 private; chown 3000000:4294967290 private
mkfifo pipe; mknod null c 1 3; mknod disk b 254 300; chown 5:6 pipe null
: > empty; chmod 000 empty
truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
head -c 2000000 /dev/urandom > noise; head -c 512 noise > block; head -c 513 noise > more
name=$(printf 'n%.0s' $(seq 200)); mkdir -p long/$name/$name; printf deep > long/$name/$name/$name
ln -s /$name/$name/$name long/link; ln long/$name/$name/$name long/hard
for length in 98 99 100 101; do printf x > "$(printf 'e%.0s' $(seq $length))"; mkdir "$(printf 'd%.0s' $(seq $length))"; done
printf utf > 'näme with spaces'; printf raw > "$(printf 'raw\\377byte')"; printf line > "$(printf 'line\\nfeed')"
touch -d '1969-12-31 23:59:58.25 UTC' past; touch -d '2001-02-03 04:05:06.123456789 UTC' pipe a/file; touch -h -d @7 a/b/soft
touch -d @1000000000.5 a/b a setgid .
`

function shell(space: Workspace, cwd: string, script: string, ...args: string[]): string {
  const ran = spawnSync('sh', ['-ec', script, 'sh', ...args], { cwd: join(space.path, cwd), encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout
}

/** Makes a layer of `root`: the file's path, and what the helper said. */
async function layerOf(
  space: Workspace,
  compression: Compression,
  options: Partial<DiffOptions> = {},
): Promise<DiffResult & { readonly file: string }> {
  const file = join(space.path, `layer.${compression}`)
  const blob = openSync(file, 'w')
  try {
    const differ = createDiffer(space.program)
    const result = await differ.diff({
      ...{ upper: space.root, blob, compression, limits: LIMITS, devices: true },
      ...options,
    })
    return { ...result, file }
  } finally {
    closeSync(blob)
  }
}

const READERS = {
  'GNU tar': 'tar --numeric-owner --same-owner -xpf "$1"',
  bsdtar: 'LC_ALL=C.UTF-8 bsdtar --numeric-owner --same-owner -xpf "$1"',
  Python: `python3 - "$1" <<'END'
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    archive.extractall(".", numeric_owner=True)
END`,
} as const

for (const [reader, command] of Object.entries(READERS))
  test(`a layer is unpacked by ${reader} as the tree that it was made of`, { skip: needsRoot }, async () => {
    using space = openWorkspace()
    shell(space, 'root', PLANT)
    const { file } = await layerOf(space, 'none')
    mkdirSync(join(space.path, 'copy'))
    shell(space, 'copy', command, file)
    const roughly = (tree: string): string[] => listTree(join(space.path, tree)).map(forReader(reader))
    assert.deepEqual(roughly('copy'), roughly('root'))
  })

/**
 * What a reader does not do by itself: Python keeps no fractions of seconds and no times of symlinks; bsdtar keeps no time
 * of the directory that it unpacks into, and reads fractions before 1970 in its own way.
 */
function forReader(reader: string): (line: string) => string {
  const time = /( \d+:\d+) -?\d+/
  if (reader === 'bsdtar') return (line) => (/^\/(?:past)? /.test(line) ? line.replace(time, '$1') : line)
  if (reader !== 'Python') return (line) => line
  return (line) =>
    line.includes(' symlink ') ? line.replace(time, '$1') : line.replace(/( \d+:\d+ -?\d+?)\d{9}(?= |$)/, '$1')
}

test('the digests are those of the blob and of the tar in it', { skip: needsRoot }, async () => {
  using space = openWorkspace()
  shell(space, 'root', PLANT)
  const inflate = { none: (bytes: Buffer) => bytes, gzip: gunzipSync, zstd: zstdDecompressSync }
  const sum = (bytes: Uint8Array): string =>
    `sha256:${spawnSync('sha256sum', { input: bytes }).stdout.toString().slice(0, 64)}`
  const diffIds = new Set<string>()
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const { file, digest, diffId, compressedBytes } = await layerOf(space, compression)
    const bytes = readFileSync(file)
    assert.equal(digest, sum(bytes))
    assert.equal(compressedBytes, bytes.length)
    assert.equal(diffId, sum(inflate[compression](bytes)))
    diffIds.add(diffId)
  }
  assert.equal(diffIds.size, 1)
})

test('the same tree gives the same bytes, wherever and in whatever order it was written', {
  skip: needsRoot,
}, async () => {
  using space = openWorkspace()
  shell(space, 'root', PLANT)
  const { diffId } = await layerOf(space, 'gzip')
  const { digest } = await layerOf(space, 'gzip')
  using other = openWorkspace()
  // Names come back in another order, inodes are others.
  shell(
    space,
    'root',
    'tar -cf - --format=pax --sort=name . | tar -xpf - -C "$1"; cd "$1"; for n in *; do mv "$n" x; mv x "$n"; done',
    other.root,
  )
  shell(space, 'root', 'touch -r . "$1"', other.root)
  const again = await layerOf(other, 'gzip')
  assert.deepEqual([again.diffId, again.digest], [diffId, digest])
})

test('a layer is gzip without a name and a time', { skip: needsRoot }, async () => {
  using space = openWorkspace()
  shell(space, 'root', 'echo x > f')
  const { file } = await layerOf(space, 'gzip')
  assert.equal(readFileSync(file).subarray(0, 8).toString('hex'), '1f8b080000000000')
})

async function refusal(work: Promise<unknown>): Promise<LayerError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof LayerError) return error
  throw new Error(`it was not refused: ${String(error)}`)
}

test('what is too large, too many, too deep or too long is refused', { skip: needsRoot }, async () => {
  using space = openWorkspace()
  shell(space, 'root', 'head -c 1000 /dev/zero > f; touch a b c')
  const within = (limits: object): Promise<unknown> => layerOf(space, 'none', { limits: { ...LIMITS, ...limits } })
  assert.equal((await refusal(within({ maxBytes: 999 }))).reason, 'LIMIT')
  assert.equal((await refusal(within({ maxEntries: 4 }))).reason, 'LIMIT')
  await within({ maxBytes: 1000, maxEntries: 5 })
  const dig = 'import os, sys\nfor _ in range(int(sys.argv[2])): os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])'
  for (const [name, depth] of [
    ['d', '900'],
    ['n'.repeat(250), '20'],
  ] as const) {
    shell(space, 'root', 'rm -rf [dn]*; python3 -c "$1" "$2" "$3"', dig, name, depth)
    assert.equal((await refusal(within({}))).reason, 'LIMIT', name)
  }
})

test('the helper can change nothing and opens nothing outside', { skip: needsRoot }, async () => {
  using space = openWorkspace()
  shell(
    space,
    'root',
    'ln -s ../outside/secret link; ln -s / all; mkdir sub; mount -t tmpfs none sub; echo x > sub/hidden',
  )
  try {
    const error = await refusal(layerOf(space, 'none'))
    assert.deepEqual([error.reason, error.path], ['UNSAFE_CONTENT', 'sub'])
  } finally {
    shell(space, 'root', 'umount sub')
  }
  const before = listTree(space.root)
  const { file } = await layerOf(space, 'none')
  assert.deepEqual(listTree(space.root), before)
  assert.match(shell(space, '.', 'tar -tvf "$1"', file), /link -> \.\.\/outside\/secret/)
})
