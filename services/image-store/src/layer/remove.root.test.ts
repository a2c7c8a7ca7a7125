import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tar } from '../../test/tar-writer.ts'
import { openWorkspace, refusalOf, needsRoot as skip } from '../../test/unpacked.ts'

test('a tree is removed, and what its symlinks and hard links lead to stays', { skip }, async () => {
  using space = openWorkspace()
  writeFileSync(join(space.outside, 'kept'), 'kept')
  symlinkSync(space.outside, join(space.root, 'link'))
  linkSync(join(space.outside, 'kept'), join(space.root, 'hard'))
  await space.unpack(tar([{ path: 'a/b/c' }, { path: '.wh.x' }, { path: 'n', type: 'char', major: 1, minor: 3 }]))
  await space.unpacker.remove(space.path, 'root')
  assert.ok(!existsSync(space.root))
  assert.equal(readFileSync(join(space.outside, 'kept'), 'utf8'), 'kept')
})

test('a name that is not there is removed already', { skip }, async () => {
  using space = openWorkspace()
  await space.unpacker.remove(space.path, 'missing')
})

test('a parent may be an open descriptor', { skip }, async () => {
  using space = openWorkspace()
  await using handle = await open(space.path, 'r')
  await space.unpacker.remove(handle.fd, 'outside')
  assert.ok(!existsSync(space.outside))
  await space.unpacker.sync(handle.fd)
  await space.unpacker.sync(space.root)
})

test('only a single component is a name', { skip }, async () => {
  using space = openWorkspace()
  for (const name of ['', '.', '..', '../outside', 'root/x', '/root', '--tee', 'x/']) {
    if (name === '--tee') await space.unpacker.remove(space.path, name)
    else assert.equal((await refusalOf(space.unpacker.remove(space.path, name))).reason, 'INVALID', name)
  }
  assert.ok(existsSync(space.outside))
})

test('a mount in the tree is not entered', { skip }, async () => {
  using space = openWorkspace()
  mkdirSync(join(space.root, 'mounted'))
  writeFileSync(join(space.outside, 'kept'), 'kept')
  const script = 'mount --bind "$1" "$2/root/mounted" && exec "$3" remove root 4< "$2"'
  const args = ['--mount', 'sh', '-ec', script, 'sh', space.outside, space.path, space.program]
  const ran = spawnSync('unshare', args, { encoding: 'utf8' })
  assert.match(ran.stdout, /"reason":"IO","path":"mounted"/)
  assert.equal(readFileSync(join(space.outside, 'kept'), 'utf8'), 'kept')
})

test('a parent that is no directory is an error of the file system', { skip }, async () => {
  using space = openWorkspace()
  await assert.rejects(space.unpacker.remove(join(space.path, 'missing'), 'x'), { code: 'ENOENT' })
  symlinkSync('root', join(space.path, 'link'))
  await assert.rejects(space.unpacker.sync(join(space.path, 'link')), { code: 'ENOTDIR' })
})
