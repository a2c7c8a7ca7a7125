import assert from 'node:assert/strict'
import { digestOf } from '@caisson/oci'
import type { NewManifest } from '../ports.ts'
import { app, collect, HOUR, manifest, name, push, read, signal, tag } from './content.ts'
import type { It } from './under-test.ts'

/** Garbage. */
export function garbage(it: It): void {
  it('removes what no manifest names, once the grace is over', async (backend, under) => {
    const used = await push(backend, app, Buffer.from('used'))
    const loose = await push(backend, app, Buffer.from('loose'))
    await backend.records.putManifest(manifest(app, { blobs: [used], tags: [tag('v1')] }))
    assert.deepEqual(await collect(backend), [])
    under.now += 2 * HOUR
    assert.deepEqual(await collect(backend, { dryRun: true }), [loose])
    assert.ok(await backend.blobs.stat(loose))
    assert.deepEqual(await collect(backend), [loose])
    assert.equal(await backend.blobs.stat(loose), undefined)
    assert.equal(await backend.blobs.open(loose, undefined, signal), undefined)
    assert.equal(await read(backend, used), 'used')
    assert.deepEqual(await collect(backend), [])
  })

  it('keeps what was asked for or mounted lately', async (backend, under) => {
    const asked = await push(backend, app, Buffer.from('asked'))
    const mounted = await push(backend, app, Buffer.from('mounted'))
    under.now += 2 * HOUR
    await backend.records.linkedBlob(app, asked)
    await backend.records.mountBlob(name('other'), mounted, app)
    assert.deepEqual(await collect(backend), [])
    assert.equal(await read(backend, asked), 'asked')
    assert.equal(await read(backend, mounted), 'mounted')
  })

  it('removes the blobs of manifests and repositories that were removed', async (backend, under) => {
    const shared = await push(backend, app, Buffer.from('shared'))
    const own = await push(backend, app, Buffer.from('own'))
    const other = name('other')
    await backend.records.mountBlob(other, shared, app)
    await backend.records.putManifest(manifest(app, { blobs: [shared, own] }))
    await backend.records.putManifest(manifest(other, { blobs: [shared] }))
    await backend.records.deleteRepository(app)
    under.now += 2 * HOUR
    assert.deepEqual(await collect(backend), [own])
    assert.equal(await read(backend, shared), 'shared')
  })

  it('removes manifests without tag only where that is wanted, never children and referrers of others', async (backend, under) => {
    const put = async (text: string, more: Partial<NewManifest> = {}) => {
      const one = manifest(app, { text, ...more })
      await backend.records.putManifest(one)
      return one.digest
    }
    const child = await put('child')
    await put('index', { manifests: [child], tags: [tag('v1')] })
    const subject = await put('subject', { tags: [tag('v2')] })
    await put('referrer', { subject })
    const grandchild = await put('grandchild')
    const loose = await put('loose index', { manifests: [grandchild] })
    const orphan = await put('orphan', { subject: digestOf('gone') })
    under.now += 2 * HOUR
    assert.deepEqual(await collect(backend), [])
    assert.deepEqual(await collect(backend, { untaggedMs: 3 * HOUR }), [])
    const expected = [grandchild, loose, orphan].sort()
    assert.deepEqual(await collect(backend, { untaggedMs: HOUR, dryRun: true }), expected)
    assert.deepEqual(await collect(backend, { untaggedMs: HOUR }), expected)
    assert.ok(await backend.records.manifest(app, { digest: child }))
  })

  it('lets pushes go on: what they were told is stored has all its blobs', async (backend, under) => {
    under.now += 2 * HOUR
    const pushers = Array.from({ length: 6 }, async (_, n) => {
      for (let round = 0; round < 5; round++) {
        const blob = await push(backend, app, Buffer.from(`blob ${(n + round) % 4}`))
        const wanted = manifest(app, { text: `manifest ${n} ${round}`, blobs: [blob], tags: [tag(`t${n}`)] })
        const isStored = await backend.records.putManifest(wanted).then(
          () => true,
          () => false,
        )
        if (!isStored) continue
        assert.equal(await read(backend, blob), `blob ${(n + round) % 4}`)
        await backend.records.deleteManifest(app, wanted.digest)
      }
    })
    const collecting = (async () => {
      for (let round = 0; round < 10; round++) await collect(backend, { graceMs: -1 })
    })()
    await Promise.all([...pushers, collecting])
  })
}
