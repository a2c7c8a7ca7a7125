import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { digestOf } from '@caisson/oci'
import { accessDenied, conditionalConflict, type S3Fault, type S3Operation, slowDown } from '@caisson/testkit'
import type { Backend } from '../ports.ts'
import { app, BucketUnderTest, manifestOf, pushBlob, signal, tag } from './bucket-under-test.ts'

const SMALL = { size: 8_192, smallest: 5_120 }
const HOUR = 3_600_000
const bytes = randomBytes(20_000)
const digest = digestOf(bytes)

const rejects = (promise: Promise<unknown>, reason: string) =>
  assert.rejects(promise, (thrown) => thrown instanceof CaissonError && thrown.reason === reason)

async function content(backend: Backend): Promise<Buffer> {
  await using reader = await backend.blobs.open(digest, undefined, signal)
  assert.ok(reader)
  return await buffer(reader.stream())
}

async function pushImage(backend: Backend): Promise<void> {
  await pushBlob(backend, app, bytes)
  await backend.records.putManifest(manifestOf('image', { blobs: [digest], tags: [tag('v1')] }))
}

/** Every so many requests something else goes wrong; the same each time. */
function unlucky(bucket: BucketUnderTest, kinds: readonly S3Fault[], every: number): void {
  let n = 0
  bucket.server.intercept = () => (++n % every === 0 ? kinds[(n / every) % kinds.length] : undefined)
}

test('a server without conditional writes is refused at the start', async () => {
  await using bucket = await BucketUnderTest.start({ conditionalWrites: false })
  await rejects(bucket.open(), 'BUCKET_UNCONDITIONAL')
})

test('a bucket that is missing, denied or away says what to mend', async () => {
  await using bucket = await BucketUnderTest.start({}, SMALL)
  await rejects(bucket.open({ name: 'missing' }), 'BUCKET_MISSING')
  await rejects(bucket.open({ credentialsFile: '/nonexistent' }), 'BUCKET_CREDENTIALS')
  bucket.server.intercept = () => accessDenied
  await rejects(bucket.open(), 'BUCKET_DENIED')
  await rejects(bucket.open({ endpoint: 'http://127.0.0.1:1' }), 'BUCKET_UNAVAILABLE')
})

test('pushes and reads get through 503s, conflicts and connections that break', async () => {
  await using bucket = await BucketUnderTest.start({}, SMALL)
  const backend = await bucket.open()
  const kinds: S3Fault[] = [
    slowDown,
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'after' },
    { kind: 'reset', when: 'during' },
    { kind: 'delay', ms: 20 },
  ]
  unlucky(bucket, kinds, 4)
  await pushImage(backend)
  await backend.records.putManifest(manifestOf('frozen', { tags: [tag('v2')], frozen: [tag('v2')] }))
  assert.ok((await content(backend)).equals(bytes))
  bucket.server.intercept = ({ headers }) =>
    headers['if-match'] !== undefined && Math.random() < 0.3 ? conditionalConflict : undefined
  for (let n = 0; n < 5; n++) await backend.records.putManifest(manifestOf(`again ${n}`, { tags: [tag('v1')] }))
  assert.equal((await backend.records.manifestStat(app, { tag: tag('v1') }))?.digest, digestOf('again 4'))
})

test('a bucket that is away for good is reported, and works when it is back', async () => {
  await using bucket = await BucketUnderTest.start({}, SMALL)
  const backend = await bucket.open()
  await pushImage(backend)
  bucket.server.intercept = () => ({ kind: 'error', status: 500, code: 'InternalError' })
  await rejects(backend.records.manifest(app, { tag: tag('v1') }), 'BUCKET_UNAVAILABLE')
  bucket.server.intercept = undefined
  assert.ok(await backend.records.manifest(app, { tag: tag('v1') }))
})

const READS: readonly S3Operation[] = ['GetObject', 'HeadObject', 'ListObjectsV2', 'ListMultipartUploads']

/** Lets `most` writes through; the next, and all behind it, fails as if the process had ended there. */
function dieAfter(bucket: BucketUnderTest, most: number): () => boolean {
  let writes = 0
  bucket.server.intercept = ({ operation }) => {
    if (!READS.includes(operation)) writes++
    return writes <= most ? undefined : { kind: 'error', status: 400, code: 'Killed' }
  }
  return () => writes > most
}

test('a push that is cut off at any step is harmless, is done by another try, and leaves nothing', async () => {
  for (let most = 0; ; most++) {
    await using bucket = await BucketUnderTest.start({}, SMALL)
    const killed = await bucket.open()
    const died = dieAfter(bucket, most)
    const [result] = await Promise.allSettled([pushImage(killed)])
    bucket.server.intercept = undefined
    if (!died()) {
      assert.equal(result.status, 'fulfilled')
      assert.ok(most > 10, `${most} writes`)
      return
    }
    const next = await bucket.open()
    // What is seen is whole.
    if ((await next.blobs.stat(digest)) !== undefined) assert.ok((await content(next)).equals(bytes), `after ${most}`)
    if ((await next.records.manifest(app, { tag: tag('v1') })) !== undefined)
      assert.ok(await next.records.linkedBlob(app, digest), `after ${most}`)
    await pushImage(next)
    assert.ok((await content(next)).equals(bytes), `after ${most}`)
    await next.records.deleteManifest(app, digestOf('image'))
    bucket.now += HOUR
    await next.uploads.expire(bucket.now)
    for await (const _ of next.garbage.collect({ graceMs: 0, dryRun: false }, signal));
    const left = [...bucket.server.content().keys()].filter((key) => !/names|clock|mounts|referrers/.test(key))
    assert.deepEqual(left, [], `after ${most}`)
    assert.equal(bucket.server.content().uploads.size, 0, `after ${most}`)
  }
})

test('a collection that is cut off at any step is done by the next one, and takes nothing that is needed', async () => {
  const loose = Buffer.from('loose')
  for (let most = 0; ; most++) {
    await using bucket = await BucketUnderTest.start({}, SMALL)
    const killed = await bucket.open()
    await pushBlob(killed, app, loose)
    const kept = await pushBlob(killed, app, Buffer.from('kept'))
    await killed.records.putManifest(manifestOf('image', { blobs: [kept], tags: [tag('v1')] }))
    await killed.records.putManifest(manifestOf('untagged'))
    bucket.now += HOUR
    const collect = async (backend: Backend): Promise<void> => {
      for await (const _ of backend.garbage.collect({ graceMs: 1, untaggedMs: 1, dryRun: false }, signal));
    }
    const died = dieAfter(bucket, most)
    await Promise.allSettled([collect(killed)])
    bucket.server.intercept = undefined
    const next = await bucket.open()
    assert.ok(await next.records.linkedBlob(app, kept), `after ${most}`)
    await collect(next)
    assert.equal(await next.blobs.stat(digestOf(loose)), undefined, `after ${most}`)
    assert.equal(await next.records.manifest(app, { digest: digestOf('untagged') }), undefined, `after ${most}`)
    assert.ok(await next.records.manifest(app, { tag: tag('v1') }), `after ${most}`)
    assert.equal([...bucket.server.content().keys()].filter((key) => key.startsWith('a/data/')).length, 1)
    if (!died()) return
  }
})

test('a body that breaks leaves the upload where it can go on', async () => {
  await using bucket = await BucketUnderTest.start({}, SMALL)
  const backend = await bucket.open()
  const { id } = await backend.uploads.create(app, 'sha256')
  const broken = Readable.from(
    (async function* () {
      yield bytes.subarray(0, 8_197)
      throw new Error('the line is cut')
    })(),
  )
  await assert.rejects(backend.uploads.append(app, id, {}, broken, signal), /line is cut/)
  const { offset = -1 } = (await backend.uploads.state(app, id)) ?? {}
  assert.equal(offset, 8_197)
  const failing: S3Operation[] = ['PutObject']
  bucket.server.intercept = ({ operation, key }) =>
    failing.includes(operation) && key.includes('tails') ? { kind: 'error', status: 400, code: 'Killed' } : undefined
  await rejects(
    backend.uploads.append(app, id, {}, Readable.from([bytes.subarray(offset, offset + 9)]), signal),
    'BUCKET_REFUSED',
  )
  bucket.server.intercept = undefined
  assert.equal((await backend.uploads.state(app, id))?.offset, offset)
  await backend.uploads.append(app, id, { offset }, Readable.from([bytes.subarray(offset)]), signal)
  await backend.uploads.finish(app, id, digest)
  assert.ok((await content(backend)).equals(bytes))
})
