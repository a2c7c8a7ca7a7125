// Extended attributes of hostile and honest layers: case IMG-07 of the attack catalogue.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TarEntry, tar } from '../../test/tar-writer.ts'
import { openWorkspace, needsRoot as skip } from '../../test/unpacked.ts'
import { attributesOf } from '../../test/xattrs.ts'

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex')
const CAPABILITY_3 = Buffer.concat([
  Buffer.from('01000003', 'hex'),
  CAPABILITY.subarray(4),
  Buffer.from('e8030000', 'hex'),
])

test('IMG-07: attributes of the overlay file system are unsafe', { skip }, async () => {
  const names = ['opaque', 'redirect', 'metacopy', 'origin', 'impure', 'whiteout', 'x']
  for (const name of names.flatMap((last) => [`trusted.overlay.${last}`, `user.overlay.${last}`])) {
    for (const type of ['file', 'dir', 'symlink'] as const) {
      using space = openWorkspace()
      const error = await space.refusal(tar([{ path: 'x', type, link: 'y', xattrs: { [name]: 'y' } }]))
      assert.equal(error.reason, 'UNSAFE_CONTENT', name)
    }
  }
})

test('user attributes and file capabilities are kept, what concerns another host is dropped', { skip }, async () => {
  using space = openWorkspace()
  const xattrs = {
    'user.comment': 'hello',
    'user.empty': '',
    'user.binary': Buffer.from([0, 61, 10, 255]),
    'security.capability': CAPABILITY,
    'security.selinux': 'system_u:object_r:bin_t:s0',
    'trusted.other': 'x',
    'system.posix_acl_access': 'x',
  }
  const pax = { 'LIBARCHIVE.xattr.user.ignored': 'x' }
  await space.unpack(tar([{ path: 'f', content: 'x', mode: 0o4755, uid: 7, xattrs, pax }]))
  assert.deepEqual(attributesOf(space.root, 'f'), {
    'security.capability': CAPABILITY.toString('hex'),
    'user.binary': '003d0aff',
    'user.comment': Buffer.from('hello').toString('hex'),
    'user.empty': '',
  })
})

test('IMG-07: file capabilities lose the root id of their user namespace', { skip }, async () => {
  using space = openWorkspace()
  await space.unpack(tar([{ path: 'f', xattrs: { 'security.capability': CAPABILITY_3 } }]))
  assert.deepEqual(attributesOf(space.root, 'f'), { 'security.capability': CAPABILITY.toString('hex') })
  assert.equal((await space.refusal(tar([{ path: 'f', xattrs: { 'security.capability': 'x' } }]))).reason, 'INVALID')
})

test('IMG-07: too many and too large attributes are a limit', { skip }, async () => {
  const many: Record<string, string> = {}
  for (let i = 0; i < 10_000; i++) many[`user.x${i}`] = 'y'
  const cases: Readonly<Record<string, TarEntry['xattrs']>> = {
    'a value of 64 KiB': { 'user.x': Buffer.alloc(65_536) },
    'a value that no inode holds': { 'user.x': Buffer.alloc(30_000) },
    '10,000 names': many,
    'a header of more than 1 MiB': { 'user.x': Buffer.alloc(2 << 20) },
  }
  for (const [what, xattrs] of Object.entries(cases)) {
    using space = openWorkspace()
    assert.equal((await space.refusal(tar([{ path: 'f', ...(xattrs && { xattrs }) }]))).reason, 'LIMIT', what)
  }
})
