// The same archives, unpacked by GNU tar and by the helper, are the same trees.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { listTree } from '../../test/tree-listing.ts'
import { LIMITS, needsRoot, openWorkspace, type Workspace } from '../../test/unpacked.ts'

const ROOTFS = process.env['CAISSON_TEST_ROOTFS']
const XATTRS = ['--xattrs', '--xattrs-include=*']

/** A tree with everything that a tar can hold. */
const PLANT = `
mkdir -p tree/a/b tree/setgid tree/private; cd tree
printf hello > a/file; chmod 4751 a/file; ln a/file a/b/hard; ln -s ../file a/b/soft; ln a/b/soft a/hard-of-soft
chmod 2775 setgid; chown 12:34 setgid; chmod 1777 a/b; chmod 700 private; chown 65535:65535 private
mkfifo pipe; mknod null c 1 3; mknod disk b 254 300; chown 5:6 pipe null
: > empty; chmod 000 empty
truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
truncate -s 5M many; i=0; while [ $i -lt 40 ]; do printf x | dd of=many bs=1 seek=$((i * 131072)) conv=notrunc status=none; i=$((i + 1)); done
head -c 2000000 /dev/urandom > noise
name=$(printf 'n%.0s' $(seq 200)); mkdir -p long/$name/$name; printf deep > long/$name/$name/$name
ln -s /$name/$name/$name long/link; ln long/$name/$name/$name long/hard
printf utf > 'näme with spaces'; printf raw > "$(printf 'raw\\377byte')"
touch -d '1969-12-31 23:59:58 UTC' past; touch -d '2001-02-03 04:05:06.123456789 UTC' pipe a/file; touch -h -d @7 a/b/soft
touch -d @1000000000.5 a/b a setgid .
`

function shell(space: Workspace, script: string, ...args: string[]): string {
  const ran = spawnSync('sh', ['-ec', script, 'sh', ...args], { cwd: space.path, encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout
}

/** Both trees, and that the helper's diff id is sha256sum's. */
async function compare(
  space: Workspace,
  archive: string,
  open = () => createReadStream(archive) as Readable,
): Promise<void> {
  mkdirSync(join(space.path, 'reference'))
  shell(space, 'file=$1; shift; tar --numeric-owner -xpf "$file" -C reference "$@"', archive, ...XATTRS)
  const result = await space.unpacker.unpack({ blob: open(), target: space.root, limits: LIMITS })
  assert.equal(result.diffId, `sha256:${shell(space, 'sha256sum < "$1"', archive).slice(0, 64)}`)
  assert.deepEqual(listTree(space.root), listTree(join(space.path, 'reference')))
  assert.equal(shell(space, SUM, 'root'), shell(space, SUM, 'reference'))
}

/** Digest of a tree with everything that GNU tar sees in it, extended attributes too. */
const SUM = `tar -C "$1" --xattrs --xattrs-include='*' --sort=name --numeric-owner --format=pax -cf - \
  --pax-option=delete=atime,delete=ctime,exthdr.name=x . | sha256sum`

for (const format of ['gnu', 'pax', 'ustar', 'oldgnu', 'v7']) {
  for (const sparse of format === 'gnu' ? [[], ['--sparse']] : [[]]) {
    test(`an archive of GNU tar is unpacked as by GNU tar: ${[format, ...sparse].join(' ')}`, {
      skip: needsRoot,
    }, async () => {
      using space = openWorkspace()
      shell(space, PLANT)
      // Old formats have no place for long names, devices and times before 1970.
      const old = format === 'ustar' || format === 'v7' ? ['--exclude=./long', '--exclude=./past'] : []
      if (format === 'v7') old.push('--exclude=./null', '--exclude=./disk', '--exclude=./pipe')
      shell(space, 'tar -C tree -cf archive.tar "$@" .', `--format=${format}`, ...sparse, ...old)
      await compare(space, join(space.path, 'archive.tar'))
    })
  }
}

for (const version of ['0.0', '0.1', '1.0']) {
  test(`sparse files of the pax format ${version} are unpacked as by GNU tar, and stay sparse`, {
    skip: needsRoot,
  }, async () => {
    using space = openWorkspace()
    shell(space, PLANT)
    shell(space, 'tar -C tree -cf archive.tar --format=pax --sparse "$@" .', `--sparse-version=${version}`)
    await compare(space, join(space.path, 'archive.tar'))
    const blocks = (path: string): number => Number(shell(space, 'stat -c %b "$1"', path))
    assert.ok(blocks('root/many') <= blocks('tree/many'))
  })
}

test('compressed archives of gzip and zstd are unpacked as by GNU tar', { skip: needsRoot }, async () => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    using space = openWorkspace()
    shell(space, PLANT)
    shell(space, 'tar -C tree -cf archive.tar --format=pax .')
    const archive = join(space.path, 'archive.tar')
    const blob = compress(readFileSync(archive))
    await compare(space, archive, () => Readable.from([blob]))
  }
})

const noRootfs = needsRoot || (ROOTFS ? false : 'CAISSON_TEST_ROOTFS names no tar of a root file system')
test('the root file system of a distribution is unpacked as by GNU tar', { skip: noRootfs }, async () => {
  using space = openWorkspace()
  await compare(space, ROOTFS ?? '')
  assert.ok(readFileSync(join(space.root, 'etc/os-release'), 'utf8').includes('NAME='))
})
