import assert from 'node:assert/strict'
import { digestOf } from '@caisson/oci'
import { app, name, push, read, rejects, signal } from './content.ts'
import type { It } from './under-test.ts'

/** Blobs, and where Records lets them be seen. */
export function blobs(it: It): void {
  it('gives a blob as it was sent, whole or in part', async (backend) => {
    const digest = await push(backend, app, Buffer.from('0123456789'))
    assert.deepEqual(await backend.blobs.stat(digest), { digest, size: 10 })
    assert.equal(await read(backend, digest), '0123456789')
    assert.equal(await read(backend, digest, 3), '3456789')
    assert.equal(await read(backend, digest, 3, 5), '345')
    assert.equal(await read(backend, digest, 8, 99), '89')
    await rejects(backend.blobs.open(digest, { first: 10 }, signal), 'RANGE_INVALID')
  })

  it('knows nothing of a blob that was never sent', async (backend) => {
    const digest = digestOf('never')
    assert.equal(await backend.blobs.stat(digest), undefined)
    assert.equal(await backend.blobs.open(digest, undefined, signal), undefined)
    assert.equal(await backend.records.linkedBlob(app, digest), undefined)
  })

  it('shows a blob only where it is linked, and takes links over', async (backend) => {
    const digest = await push(backend, app, Buffer.from('mine'))
    const other = name('other')
    assert.equal(await backend.records.linkedBlob(other, digest), undefined)
    assert.equal(await backend.records.mountBlob(other, digest, name('stranger')), undefined)
    assert.deepEqual(await backend.records.mountBlob(other, digest, app), { digest, size: 4 })
    assert.deepEqual(await backend.records.linkedBlob(other, digest), { digest, size: 4 })
    assert.deepEqual(await backend.records.repositoriesOf(digest, 10), [other, app])
    assert.equal(await backend.records.unlinkBlob(app, digest), true)
    assert.equal(await backend.records.unlinkBlob(app, digest), false)
    assert.equal(await backend.records.linkedBlob(app, digest), undefined)
    assert.ok(await backend.records.linkedBlob(other, digest))
  })
}
