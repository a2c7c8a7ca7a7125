import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import type { Image } from '@caisson/api/image'
import { ChangeKind } from '@caisson/api/snapshot'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { MountedSnapshot } from './overlay-mount.ts'
import { type TarEntry, tar } from './tar-writer.ts'
import { listTree } from './tree-listing.ts'
import { needsRoot } from './unpacked.ts'

const BASE: readonly TarEntry[] = [
  { path: './', type: 'dir', mode: 0o755 },
  { path: 'etc/', type: 'dir' },
  { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  { path: 'etc/hosts', content: 'localhost' },
  { path: 'lib/', type: 'dir', mode: 0o2755, gid: 7 },
  { path: 'lib/a', content: 'a', mode: 0o4755, uid: 1000, gid: 1000 },
  { path: 'lib/b', type: 'hardlink', link: 'lib/a' },
  { path: 'lib/deep/', type: 'dir' },
  { path: 'lib/deep/deeper/', type: 'dir' },
  { path: 'lib/deep/deeper/file', content: 'deep' },
  { path: 'gone/', type: 'dir' },
  { path: 'gone/file', content: 'x' },
  { path: 'was-file', content: 'file' },
  { path: 'was-dir/', type: 'dir' },
  { path: 'was-dir/inner', content: 'inner' },
  { path: 'emptied/', type: 'dir' },
  { path: 'emptied/one', content: '1' },
  { path: 'emptied/two', content: '2' },
  { path: 'link', type: 'symlink', link: 'etc/passwd' },
]

/** Everything that a container may do to its root. */
const CHANGES = `
echo more >> etc/passwd; chmod 600 etc/hosts; chown 12:34 lib/a
rm -r gone; rm was-file; mkdir was-file; echo in > was-file/in; rm -r was-dir; echo now > was-dir
rm -r emptied; mkdir emptied; echo new > emptied/three
mv lib/deep/deeper lib/moved 2>/dev/null || { cp -a lib/deep/deeper lib/moved; rm -r lib/deep/deeper; }
ln -sf /elsewhere link; mkfifo pipe; ln lib/moved/file hard; ln -s nowhere dangling; ln dangling dangling-too
truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
head -c 700000 /dev/urandom > noise; : > empty; chmod 1777 lib/deep; chown 65535:65535 empty
touch -d '1969-12-31 23:59:58.25 UTC' past; touch -d '2001-02-03 04:05:06.123456789 UTC' etc/hosts lib
long=$(printf 'n%.0s' $(seq 250)); mkdir -p $long/$long; echo deep > $long/$long/$long; ln -s /$long/$long far
cp /bin/true able; python3 -c 'import os, struct
os.setxattr("noise", "user.note", b"a=\\0b\\n")
os.setxattr("lib/deep", "user.dir", b"")
os.setxattr("able", "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))'
`

async function prepared(store: ImageStoreFixture, key: string, image: string): Promise<MountedSnapshot> {
  const { mount } = await store.snapshots.prepare({ key, base: { $case: 'image', value: image } })
  return new MountedSnapshot(mount)
}

async function viewOf(store: ImageStoreFixture, key: string, image: string): Promise<MountedSnapshot> {
  const { mount } = await store.snapshots.view({ key, base: { $case: 'image', value: image } })
  return new MountedSnapshot(mount)
}

async function changesOf(store: ImageStoreFixture, key: string): Promise<string[]> {
  const letters = { [ChangeKind.ADDED]: 'A', [ChangeKind.MODIFIED]: 'C', [ChangeKind.DELETED]: 'D' }
  const lines: string[] = []
  for await (const { kind, path } of store.snapshots.changes({ key }))
    lines.push(`${letters[kind as keyof typeof letters]} ${path.toString('latin1')}`)
  return lines
}

const refusedWith =
  (reason: string, text = '') =>
  (error: unknown): boolean =>
    error instanceof CaissonError && error.reason === reason && error.message.includes(text)

describe('commits', { skip: needsRoot }, () => {
  for (const compression of ['gzip', 'zstd', 'none'])
    test(`show in the new image what was in the container: ${compression}`, async () => {
      await using store = await ImageStoreFixture.open()
      await store.import(tar(BASE), { reference: 'base' })
      using before = await prepared(store, 'work', 'base')
      before.shell(CHANGES)
      const image = await store.images.commit({ snapshot: 'work', reference: 'made', compression })
      using after = await viewOf(store, 'look', 'made')
      assert.deepEqual(listTree(after.root), listTree(before.root))
      assert.equal(after.sum(), before.sum())
      assert.deepEqual(image.names, ['docker.io/library/made:latest'])
      assert.equal(image.layers.length, 2)
      const suffix = compression === 'none' ? 'tar' : `tar+${compression}`
      assert.equal(image.layers[1]?.mediaType, `application/vnd.oci.image.layer.v1.${suffix}`)
      assert.ok(store.eventTypes().includes('image.committed'))
    })

  test('keep config, history and layers of the image below, and apply the changes', async () => {
    await using store = await ImageStoreFixture.open()
    const changes = ['ENV A=1', 'CMD ["/bin/base"]', 'LABEL kept=yes', 'USER 7']
    const base = await store.import(tar(BASE), { reference: 'base', changes })
    using mounted = await prepared(store, 'work', 'base')
    mounted.shell('echo hello > hello')
    const image = await store.images.commit({
      snapshot: 'work',
      changes: ['CMD ["/bin/new"]', 'ENV B=2'],
      author: 'A. Author',
      comment: 'a remark',
      createdBy: 'sh -c echo',
    })
    assert.deepEqual(image.layers[0], base.layers[0])
    const { cmd, env, labels, user } = image.config ?? {}
    assert.deepEqual(
      { cmd, env, labels, user },
      { cmd: ['/bin/new'], env: ['A=1', 'B=2'], labels: { kept: 'yes' }, user: '7' },
    )
    assert.equal(image.author, 'A. Author')
    const history = image.history.map(({ createdBy, comment, author, emptyLayer }) => [
      createdBy,
      comment,
      author,
      emptyLayer,
    ])
    assert.deepEqual(history, [
      ['caisson import', '', '', false],
      ['sh -c echo', 'a remark', 'A. Author', false],
    ])
    assert.equal((await store.images.get({ image: image.id })).id, image.id)
  })

  test('of nothing make a layer all the same', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using before = await prepared(store, 'work', 'base')
    const image = await store.images.commit({ snapshot: 'work', reference: 'same' })
    assert.equal(image.layers.length, 2)
    using after = await viewOf(store, 'look', 'same')
    assert.deepEqual(listTree(after.root), listTree(before.root))
  })

  test('of the same files give the same blob', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using mounted = await prepared(store, 'work', 'base')
    mounted.shell(CHANGES)
    const one = await store.snapshots.commit({ key: 'work' })
    const two = await store.snapshots.commit({ key: 'work' })
    assert.deepEqual(two, one)
    assert.match(one.snapshot?.key ?? '', /^committed-[0-9a-f]{64}$/)
  })

  test('stand on one another, and an image of the last has the layers of all', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    {
      using mounted = await prepared(store, 'one', 'base')
      mounted.shell('echo 1 > one; rm -r gone')
    }
    await store.snapshots.commit({ key: 'one', committedKey: 'first', compression: 'zstd' })
    await store.snapshots.remove({ key: 'one' })
    const { mount } = await store.snapshots.prepare({ key: 'two', base: { $case: 'parent', value: 'first' } })
    using second = new MountedSnapshot(mount)
    second.shell('echo 2 > two; rm one; mkdir gone; echo back > gone/again')
    const { skipped, changed } = await store.snapshots.commit({ key: 'two', committedKey: 'second' })
    assert.deepEqual([skipped, changed], [0, 0])
    await assert.rejects(store.snapshots.remove({ key: 'first' }), refusedWith('SNAPSHOT_IN_USE'))
    // Nothing names the blobs but the committed snapshots.
    await store.maintenance.collectGarbage({})
    const image = await store.images.commit({ snapshot: 'second', reference: 'made' })
    assert.equal(image.layers.length, 3)
    assert.equal(image.history.length, 3)
    using after = await viewOf(store, 'look', 'made')
    assert.deepEqual(listTree(after.root), listTree(second.root))
    await store.snapshots.remove({ key: 'two', moreKeys: ['second', 'first'] })
    await store.maintenance.collectGarbage({})
    assert.equal((await store.images.get({ image: 'made' })).layers.length, 3)
  })

  test('name blob and snapshot in a lease', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using _ = await prepared(store, 'work', 'base')
    const lease = await store.leases.create({ id: 'build' })
    const { layer, snapshot } = await store.snapshots.commit({ key: 'work', lease: lease.id })
    const { leases } = await store.leases.list({})
    assert.deepEqual(leases[0]?.resources.toSorted(), [layer?.digest, snapshot?.key].toSorted())
    await store.snapshots.remove({ key: snapshot?.key ?? '' })
    await store.maintenance.collectGarbage({})
    assert.equal((await store.content.stat({ digest: layer?.digest ?? '' })).size, layer?.size)
    await store.leases.release({ id: lease.id })
    await store.maintenance.collectGarbage({})
    await assert.rejects(store.content.stat({ digest: layer?.digest ?? '' }), refusedWith('BLOB_NOT_FOUND'))
  })

  test('leave nothing behind when they fail', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using mounted = await prepared(store, 'work', 'base')
    mounted.shell('mkdir -p a/b; echo x > a/b/.wh.name')
    const usage = await store.maintenance.diskUsage({})
    await assert.rejects(store.images.commit({ snapshot: 'work' }), refusedWith('UNSAFE_CONTENT', 'a/b/.wh.name'))
    await assert.rejects(store.snapshots.commit({ key: 'work' }), refusedWith('UNSAFE_CONTENT'))
    await assert.rejects(
      store.images.commit({ snapshot: 'work', changes: ['NONSENSE'] }),
      refusedWith('INVALID_CHANGE'),
    )
    await assert.rejects(store.images.commit({ snapshot: 'nothing' }), refusedWith('SNAPSHOT_NOT_FOUND'))
    await assert.rejects(
      store.images.commit({ snapshot: 'work', compression: 'xz' }),
      refusedWith('INVALID_COMPRESSION'),
    )
    await store.snapshots.view({ key: 'seen', base: { $case: 'image', value: 'base' } })
    await assert.rejects(store.images.commit({ snapshot: 'seen' }), refusedWith('SNAPSHOT_NOT_WRITABLE'))
    await store.store.settled()
    const { contentBytes, blobs, layers } = await store.maintenance.diskUsage({})
    assert.deepEqual([contentBytes, blobs, layers], [usage.contentBytes, usage.blobs, usage.layers])
  })

  test('keep names that are hostile to everybody', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using before = await prepared(store, 'work', 'base')
    const names = [
      'line\nfeed',
      'tab\t',
      ' space ',
      '\x1b[31m',
      '"\\\'',
      '-rf',
      '*',
      'n'.repeat(255),
      'näme',
      '...',
      '.wh',
    ]
    for (const name of names) writeFileSync(join(before.root, name), name)
    for (const bytes of [[0xff, 0xfe], [0xc3], [0x41, 0x80, 0x42]])
      writeFileSync(Buffer.concat([Buffer.from(`${before.root}/`), Buffer.from(bytes)]), 'bytes')
    symlinkSync('to\nnowhere', join(before.root, 'link\n'))
    await store.images.commit({ snapshot: 'work', reference: 'made' })
    using after = await viewOf(store, 'look', 'made')
    assert.deepEqual(listTree(after.root), listTree(before.root))
    const changes = await changesOf(store, 'work')
    for (const name of names) assert.ok(changes.includes(`A /${Buffer.from(name).toString('latin1')}`), name)
    assert.ok(changes.includes('A /\xff\xfe'))
  })

  test('hide the longest names', async () => {
    await using store = await ImageStoreFixture.open()
    const long = 'n'.repeat(255)
    await store.import(tar([...BASE, { path: long, content: 'x' }]), { reference: 'base' })
    using before = await prepared(store, 'work', 'base')
    before.shell(`rm ${long}`)
    await store.images.commit({ snapshot: 'work', reference: 'made' })
    using after = await viewOf(store, 'look', 'made')
    assert.deepEqual(listTree(after.root), listTree(before.root))
  })

  test('leave out sockets and devices, and say how many', async () => {
    for (const commitDevices of [false, true]) {
      await using store = await ImageStoreFixture.open({ config: { commitDevices } })
      await store.import(tar(BASE), { reference: 'base' })
      using mounted = await prepared(store, 'work', 'base')
      mounted.shell('mknod null c 1 3; mknod disk b 254 300')
      await using server = createServer()
      await new Promise<void>((resolve) => server.listen(join(mounted.root, 'socket'), resolve))
      const { skipped } = await store.snapshots.commit({ key: 'work', committedKey: 'done' })
      assert.equal(skipped, commitDevices ? 1 : 3)
      const { mount } = await store.snapshots.view({ key: 'look', base: { $case: 'parent', value: 'done' } })
      using after = new MountedSnapshot(mount)
      const devices = listTree(after.root).filter((line) => / (?:char|block) /.test(line))
      assert.equal(devices.length, commitDevices ? 2 : 0)
    }
  })

  test('refuse what borrows from layers below', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    const { mount } = await store.snapshots.prepare({ key: 'work', base: { $case: 'image', value: 'base' } })
    using _ = new MountedSnapshot(mount)
    for (const mark of ['trusted.overlay.redirect', 'trusted.overlay.metacopy']) {
      const upper = mount?.upperDir ?? ''
      writeFileSync(join(upper, 'f'), '')
      const set = 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], b"/etc")'
      assert.equal(spawnSync('python3', ['-c', set, join(upper, 'f'), mark]).status, 0)
      await assert.rejects(store.snapshots.commit({ key: 'work' }), refusedWith('UNSAFE_CONTENT', 'borrows'))
      rmSync(join(upper, 'f'))
    }
  })
})

describe('changes', { skip: needsRoot }, () => {
  test('tell new, different and gone paths apart', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    using mounted = await prepared(store, 'work', 'base')
    assert.deepEqual(await changesOf(store, 'work'), [])
    // Opened for writing and not written: it is in the upper directory, and the same.
    mounted.shell(': >> etc/hosts; : >> lib/deep/deeper/file')
    assert.deepEqual(await changesOf(store, 'work'), [])
    mounted.shell(`echo more >> etc/passwd; echo n > lib/deep/new; rm -r gone emptied was-dir; mkdir emptied
      echo 3 > emptied/three; echo 1 > emptied/one; echo file > was-dir; rm was-file; mkdir was-file; echo in > was-file/in
      chmod 700 lib/deep/deeper`)
    assert.deepEqual(await changesOf(store, 'work'), [
      'C /emptied',
      'D /emptied/two',
      'C /emptied/one',
      'A /emptied/three',
      'C /etc',
      'C /etc/passwd',
      'D /gone',
      'C /lib',
      'C /lib/deep',
      'C /lib/deep/deeper',
      'A /lib/deep/new',
      'C /was-dir',
      'C /was-file',
      'A /was-file/in',
    ])
  })

  test('look through all the layers below, and what those hide', async () => {
    await using store = await ImageStoreFixture.open()
    await store.import(tar(BASE), { reference: 'base' })
    {
      using mounted = await prepared(store, 'one', 'base')
      mounted.shell('rm etc/hosts; rm -r emptied; mkdir emptied; echo 9 > emptied/nine; echo top > lib/top')
    }
    await store.images.commit({ snapshot: 'one', reference: 'two-layers' })
    using mounted = await prepared(store, 'two', 'two-layers')
    mounted.shell('echo back > etc/hosts; echo 1 > emptied/one; rm emptied/nine; rm lib/top; rm lib/b')
    assert.deepEqual(await changesOf(store, 'two'), [
      'C /emptied',
      'D /emptied/nine',
      'A /emptied/one',
      'C /etc',
      'A /etc/hosts',
      'C /lib',
      'D /lib/b',
      'D /lib/top',
    ])
    await store.snapshots.view({ key: 'seen', base: { $case: 'image', value: 'base' } })
    assert.deepEqual(await changesOf(store, 'seen'), [])
  })

  test('are taken as fast as they are read, and end when nobody reads', async () => {
    await using store = await ImageStoreFixture.open()
    const image: Image = await store.import(tar(BASE))
    using mounted = await prepared(store, 'work', image.id)
    mounted.shell('mkdir many; cd many; seq 5000 | xargs touch')
    let seen = 0
    for await (const _ of store.snapshots.changes({ key: 'work' })) if (++seen === 10) break
    assert.equal(seen, 10)
    assert.equal((await changesOf(store, 'work')).length, 5_001)
  })
})
