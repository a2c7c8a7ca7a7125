import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { digestOf } from '@caisson/oci'
import { app, HOUR, name, push, read, rejects, signal } from './content.ts'
import type { It } from './under-test.ts'

/** Uploads. */
export function uploads(it: It): void {
  it('goes on with an upload after it was opened again', async (backend, under) => {
    const { id } = await backend.uploads.create(app, 'sha256')
    const first = await backend.uploads.append(
      app,
      id,
      { offset: 0, length: 5 },
      Readable.from([Buffer.from('01234')]),
      signal,
    )
    assert.equal(first.offset, 5)
    await under.reopen()
    const again = under.backend
    assert.equal((await again.uploads.state(app, id))?.offset, 5)
    await again.uploads.append(app, id, { offset: 5 }, Readable.from([Buffer.from('56789')]), signal)
    const digest = digestOf('0123456789')
    assert.deepEqual(await again.uploads.finish(app, id, digest), { digest, size: 10 })
    assert.equal(await again.uploads.state(app, id), undefined)
    assert.equal(await read(again, digest), '0123456789')
  })

  it('stands where it stood when a chunk is misplaced or has not the length it said', async (backend) => {
    const { id } = await backend.uploads.create(app, 'sha256')
    const append = (offset: number, length: number | undefined, text: string) =>
      backend.uploads.append(
        app,
        id,
        length === undefined ? { offset } : { offset, length },
        Readable.from([Buffer.from(text)]),
        signal,
      )
    await append(0, 3, 'abc')
    await rejects(append(2, undefined, 'x'), 'RANGE_INVALID')
    await rejects(append(3, 5, 'short'.slice(0, 2)), 'SIZE_INVALID')
    await rejects(append(3, 2, 'long'), 'SIZE_INVALID')
    assert.equal((await backend.uploads.state(app, id))?.offset, 3)
    await append(3, 3, 'def')
    assert.equal((await backend.uploads.finish(app, id, digestOf('abcdef'))).size, 6)
  })

  it('keeps what is sure of a body that breaks', async (backend) => {
    const { id } = await backend.uploads.create(app, 'sha256')
    const body = Readable.from(
      (async function* () {
        yield Buffer.from('abc')
        throw new Error('the line is cut')
      })(),
    )
    await assert.rejects(backend.uploads.append(app, id, {}, body, signal))
    const offset = (await backend.uploads.state(app, id))?.offset ?? -1
    assert.ok(offset === 0 || offset === 3, `stands at ${offset}`)
    await backend.uploads.append(app, id, { offset }, Readable.from([Buffer.from('abcdef').subarray(offset)]), signal)
    assert.equal((await backend.uploads.finish(app, id, digestOf('abcdef'))).size, 6)
  })

  it('forgets an upload that ends with a wrong digest', async (backend) => {
    const { id } = await backend.uploads.create(app, 'sha256')
    await backend.uploads.append(app, id, {}, Readable.from([Buffer.from('abc')]), signal)
    await rejects(backend.uploads.finish(app, id, digestOf('other')), 'DIGEST_INVALID')
    assert.equal(await backend.uploads.state(app, id), undefined)
    assert.equal(await backend.blobs.stat(digestOf('abc')), undefined)
  })

  it('cancels uploads, and removes those that nobody goes on with', async (backend, under) => {
    const one = await backend.uploads.create(app, 'sha256')
    assert.equal(await backend.uploads.cancel(name('other'), one.id), false)
    assert.equal(await backend.uploads.cancel(app, one.id), true)
    assert.equal(await backend.uploads.cancel(app, one.id), false)
    const old = await backend.uploads.create(app, 'sha256')
    under.now += HOUR
    const fresh = await backend.uploads.create(app, 'sha256')
    assert.equal(await backend.uploads.expire(under.now - HOUR / 2), 1)
    assert.equal(await backend.uploads.state(app, old.id), undefined)
    assert.ok(await backend.uploads.state(app, fresh.id))
  })

  it('holds uploads and mounts to a quota, also when they end at the same time', async (backend) => {
    const limit = { scope: 'team/*', bytes: 10 }
    const send = async (text: string) => {
      const { id } = await backend.uploads.create(app, 'sha256')
      await backend.uploads.append(app, id, {}, Readable.from([Buffer.from(text)]), signal)
      return await backend.uploads.finish(app, id, digestOf(text), limit)
    }
    const results = await Promise.allSettled(['aaaa', 'bbbb', 'cccc', 'dddd'].map(send))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
    assert.equal(await backend.records.usage('team/*'), 8)
    const foreign = await push(backend, name('free/app'), Buffer.from('eeee'))
    await rejects(backend.records.mountBlob(app, foreign, name('free/app'), limit), 'QUOTA_EXCEEDED')
    assert.equal(await backend.records.usage('team/*'), 8)
  })
}
