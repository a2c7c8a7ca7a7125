import assert from 'node:assert/strict'
import { digestOf } from '@caisson/oci'
import { app, collect, HOUR, manifest, name, push, read, rejects, tag } from './content.ts'
import type { It } from './under-test.ts'

/** Records: manifests and tags. */
export function manifests(it: It): void {
  it('keeps a manifest to the byte, by digest and by tag', async (backend) => {
    const blob = await push(backend, app, Buffer.from('config'))
    const pushed = manifest(app, { blobs: [blob], tags: [tag('one'), tag('two')] })
    await backend.records.putManifest(pushed)
    for (const reference of [{ tag: tag('one') }, { tag: tag('two') }, { digest: pushed.digest }]) {
      const found = await backend.records.manifest(app, reference)
      assert.deepEqual(found && Buffer.from(found.bytes), pushed.bytes)
      const { digest, mediaType } = pushed
      assert.deepEqual(await backend.records.manifestStat(app, reference), {
        digest,
        mediaType,
        size: pushed.bytes.length,
      })
    }
    assert.equal(await backend.records.manifest(name('other'), { digest: pushed.digest }), undefined)
  })

  it('refuses a manifest whose parts are not in its repository, and leaves nothing of it', async (backend) => {
    const elsewhere = await push(backend, name('other'), Buffer.from('config'))
    await rejects(
      backend.records.putManifest(manifest(app, { blobs: [elsewhere], tags: [tag('x')] })),
      'MANIFEST_BLOB_UNKNOWN',
    )
    const index = manifest(app, { manifests: [digestOf('child')], tags: [tag('x')] })
    await rejects(backend.records.putManifest(index), 'MANIFEST_BLOB_UNKNOWN')
    assert.equal(await backend.records.manifest(app, { tag: tag('x') }), undefined)
    assert.equal(await backend.records.hasRepository(app), false)
    await backend.records.putManifest({ ...index, sparse: true })
    assert.ok(await backend.records.manifest(app, { tag: tag('x') }))
  })

  it('takes a copy from another registry without its parts, and keeps those that come later', async (backend, under) => {
    const [here, missing] = [await push(backend, app, Buffer.from('here')), digestOf('missing')]
    const upstream = 'registry.example'
    const copy = manifest(app, { blobs: [here, missing], manifests: [digestOf('child')], tags: [tag('x')], upstream })
    await backend.records.putManifest(copy)
    assert.equal((await backend.records.manifest(app, { tag: tag('x') }))?.digest, copy.digest)
    assert.equal(await backend.records.linkedBlob(app, missing), undefined)
    assert.equal(await push(backend, app, Buffer.from('missing')), missing)
    under.now += 2 * HOUR
    assert.deepEqual(await collect(backend), [])
  })

  it('moves a tag, but not one that is frozen', async (backend) => {
    const one = manifest(app, { text: 'one', tags: [tag('v1')], frozen: [tag('v1')] })
    const two = manifest(app, { text: 'two', tags: [tag('v1')] })
    await backend.records.putManifest(one)
    await backend.records.putManifest(one)
    await rejects(backend.records.putManifest({ ...two, frozen: [tag('v1')] }), 'TAG_IMMUTABLE')
    assert.equal(await backend.records.manifest(app, { digest: two.digest }), undefined)
    await backend.records.putManifest(two)
    assert.equal((await backend.records.manifestStat(app, { tag: tag('v1') }))?.digest, two.digest)
    assert.ok(await backend.records.manifest(app, { digest: one.digest }))
  })

  it('lets one of many pushes of a frozen tag through', async (backend) => {
    const pushes = Array.from({ length: 8 }, (_, n) =>
      backend.records.putManifest(manifest(app, { text: `manifest ${n}`, tags: [tag('v1')], frozen: [tag('v1')] })),
    )
    const results = await Promise.allSettled(pushes)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('removes tags, manifests with their tags, and repositories', async (backend) => {
    const { records } = backend
    const pushed = manifest(app, { tags: [tag('a'), tag('b')] })
    await records.putManifest(pushed)
    assert.equal(await records.deleteTag(app, tag('a'), digestOf('other')), false)
    assert.equal(await records.deleteTag(app, tag('a'), pushed.digest), true)
    assert.equal(await records.deleteTag(app, tag('a')), false)
    assert.ok(await records.manifest(app, { tag: tag('b') }))
    assert.equal(await records.deleteManifest(app, pushed.digest), true)
    assert.equal(await records.deleteManifest(app, pushed.digest), false)
    assert.equal(await records.manifest(app, { tag: tag('b') }), undefined)
    assert.equal(await records.deleteRepository(app), true)
    assert.equal(await records.deleteRepository(app), false)
    assert.equal(await records.hasRepository(app), false)
  })

  it('is as it was after it was opened again', async (backend, under) => {
    const blob = await push(backend, app, Buffer.from('config'))
    const pushed = manifest(app, { blobs: [blob], tags: [tag('v1')] })
    await backend.records.putManifest(pushed)
    await under.reopen()
    assert.deepEqual(await under.backend.records.manifestStat(app, { tag: tag('v1') }), {
      digest: pushed.digest,
      mediaType: pushed.mediaType,
      size: pushed.bytes.length,
    })
    assert.equal(await read(under.backend, blob), 'config')
  })
}
