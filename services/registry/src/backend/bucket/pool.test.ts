import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { type Digest, digestOf } from '@caisson/oci'
import type { Backend } from '../ports.ts'
import { app, BucketUnderTest, manifestOf, pushBlob, signal, tag } from './bucket-under-test.ts'

const MIB = 1 << 20
const HOUR = 3_600_000

const reasonOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled'
    ? ''
    : result.reason instanceof CaissonError
      ? result.reason.reason
      : String(result.reason)

async function content(backend: Backend, digest: Digest): Promise<Buffer> {
  await using reader = await backend.blobs.open(digest, undefined, signal)
  assert.ok(reader)
  return await buffer(reader.stream())
}

const pieces = (bytes: Buffer): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    })(),
  )

async function pool(bucket: BucketUnderTest): Promise<[Backend, Backend]> {
  return [await bucket.open(), await bucket.open()]
}

test('an upload goes on in whatever process its next chunk reaches', async () => {
  await using bucket = await BucketUnderTest.start()
  const [one, two] = await pool(bucket)
  const bytes = randomBytes(30 * MIB)
  const digest = digestOf(bytes)
  const { id } = await one.uploads.create(app, 'sha256')
  const cuts = [0, 3 * MIB, 12 * MIB + 7, 12 * MIB + 8, 29 * MIB, bytes.length]
  for (const [n, from] of cuts.slice(0, -1).entries()) {
    const to = cuts[n + 1] ?? 0
    const backend = n % 2 === 0 ? one : two
    const state = await backend.uploads.append(
      app,
      id,
      { offset: from, length: to - from },
      pieces(bytes.subarray(from, to)),
      signal,
    )
    assert.equal(state.offset, to)
  }
  assert.equal((await one.uploads.state(app, id))?.offset, bytes.length)
  assert.deepEqual(await two.uploads.finish(app, id, digest), { digest, size: bytes.length })
  assert.ok((await content(one, digest)).equals(bytes))
  assert.deepEqual(
    [...bucket.server.content().keys()].filter((key) => /tails|uploads/.test(key)),
    [],
  )
})

test('an upload in one process is busy for the others, and theirs once its holder is gone', async () => {
  await using bucket = await BucketUnderTest.start()
  const [one, two] = await pool(bucket)
  const { id } = await one.uploads.create(app, 'sha256')
  const line = new Readable({ read() {} })
  line.push(randomBytes(9 * MIB))
  const hanging = one.uploads.append(app, id, {}, line, signal)
  hanging.catch(() => {})
  while (!bucket.server.calls.some(({ operation }) => operation === 'UploadPart'))
    await new Promise((done) => setTimeout(done, 5))
  const [refused] = await Promise.allSettled([two.uploads.append(app, id, {}, Readable.from([]), signal)])
  assert.equal(reasonOf(refused), 'UPLOAD_BUSY')
  bucket.now += HOUR
  const bytes = randomBytes(11 * MIB)
  const { offset = -1 } = (await two.uploads.state(app, id)) ?? {}
  assert.equal(offset, 0)
  await two.uploads.append(app, id, { offset }, pieces(bytes), signal)
  line.push(randomBytes(9 * MIB))
  line.push(null)
  const [late] = await Promise.allSettled([hanging])
  assert.equal(reasonOf(late), 'UPLOAD_BUSY')
  await two.uploads.finish(app, id, digestOf(bytes))
  assert.ok((await content(two, digestOf(bytes))).equals(bytes))
})

test('of two that finish one upload at once one does, and the other is told', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  const bytes = randomBytes(9 * MIB)
  const { id } = await backends[0].uploads.create(app, 'sha256')
  await backends[0].uploads.append(app, id, {}, pieces(bytes), signal)
  const results = await Promise.allSettled(backends.map((backend) => backend.uploads.finish(app, id, digestOf(bytes))))
  const reasons = results.map(reasonOf).sort()
  assert.equal(reasons[0], '')
  assert.match(reasons[1] ?? '', /UPLOAD_BUSY|BLOB_UPLOAD_UNKNOWN/)
  assert.ok((await content(backends[1], digestOf(bytes))).equals(bytes))
})

test('two uploads of the same bytes make one blob', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  const bytes = randomBytes(MIB)
  const digests = await Promise.all(backends.map((backend) => pushBlob(backend, app, bytes)))
  assert.ok((await content(backends[0], digests[0] ?? digestOf(''))).equals(bytes))
  assert.equal([...bucket.server.content().keys()].filter((key) => key.startsWith('a/data/')).length, 1)
})

test('a frozen tag goes to one of many pushes through several processes', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  const pushes = Array.from({ length: 12 }, (_, n) =>
    backends[n % 2 === 0 ? 0 : 1].records.putManifest(manifestOf(`${n}`, { tags: [tag('v1')], frozen: [tag('v1')] })),
  )
  const results = await Promise.allSettled(pushes)
  assert.deepEqual([...new Set(results.map(reasonOf))].sort(), ['', 'TAG_IMMUTABLE'])
  const winner = results.findIndex(({ status }) => status === 'fulfilled')
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  const found = await backends[0].records.manifestStat(app, { tag: tag('v1') })
  assert.equal(found?.digest, digestOf(`${winner}`))
})

test('two processes together never go beyond a quota', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  const limit = { scope: 'team/*', bytes: 10 }
  const send = async (text: string, n: number): Promise<void> => {
    const { uploads } = backends[n % 2 === 0 ? 0 : 1]
    const { id } = await uploads.create(app, 'sha256')
    await uploads.append(app, id, {}, Readable.from([Buffer.from(text)]), signal)
    await uploads.finish(app, id, digestOf(text), limit)
  }
  await Promise.allSettled(['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee', 'ffff'].map(send))
  assert.ok((await backends[0].records.usage('team/*')) <= 10)
})

test('a document has one writer a version, whatever process it is in', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  await backends[0].documents.put('counters', 'n', 0, 'absent')
  const add = async ({ documents }: Backend): Promise<void> => {
    for (;;) {
      const found = await documents.get('counters', 'n')
      assert.ok(found)
      const [result] = await Promise.allSettled([
        documents.put('counters', 'n', Number(found.value) + 1, { version: found.version }),
      ])
      if (result.status === 'fulfilled') return
      assert.equal(reasonOf(result), 'DOCUMENT_CHANGED')
    }
  }
  await Promise.all(Array.from({ length: 10 }, (_, n) => add(backends[n % 2 === 0 ? 0 : 1])))
  assert.equal((await backends[1].documents.get('counters', 'n'))?.value, 10)
})

test('collections in two processes take nothing from pushes that go on in both', async () => {
  await using bucket = await BucketUnderTest.start()
  const backends = await pool(bucket)
  let isOver = false
  let stored = 0
  const pushing = backends.flatMap((backend, b) =>
    Array.from({ length: 3 }, async (_, n) => {
      for (let round = 0; round < 6; round++) {
        const text = `blob ${(n + round + b) % 4}`
        const [pushed] = await Promise.allSettled([pushBlob(backend, app, Buffer.from(text))])
        const blob = digestOf(text)
        if (pushed.status === 'rejected') assert.equal(reasonOf(pushed), 'ABORTED')
        const wanted = manifestOf(`manifest ${b} ${n} ${round}`, { blobs: [blob], tags: [tag(`t${b}-${n}`)] })
        const [put] = await Promise.allSettled([backend.records.putManifest(wanted)])
        if (put.status === 'rejected') {
          assert.equal(reasonOf(put), 'MANIFEST_BLOB_UNKNOWN')
          continue
        }
        stored++
        const other = backends[1 - b] ?? backend
        assert.equal((await content(other, blob)).toString(), text)
        assert.equal((await other.records.manifestStat(app, { tag: tag(`t${b}-${n}`) }))?.digest, wanted.digest)
        if (round % 2 === 0) await backend.records.deleteManifest(app, wanted.digest)
      }
    }),
  )
  const collecting = backends.map(async (backend) => {
    while (!isOver)
      for await (const _ of backend.garbage.collect({ graceMs: -1, untaggedMs: -1, dryRun: false }, signal));
  })
  await Promise.all(pushing).finally(() => {
    isOver = true
  })
  await Promise.all(collecting)
  assert.ok(stored > 0)
  for (const record of await backends[0].records.tags(app, { limit: 100 }))
    assert.ok(await backends[1].records.manifest(app, { tag: record.name }), `${record.name} has its manifest`)
})

test('a removal that was cut off leaves no tag and no referrer once garbage was collected', async () => {
  await using bucket = await BucketUnderTest.start()
  const [one, two] = await pool(bucket)
  const subject = digestOf('subject')
  const cut = manifestOf('cut', { tags: [tag('v1')], subject })
  await one.records.putManifest(cut)
  await one.records.putManifest(manifestOf('whole', { tags: [tag('v2')], subject }))
  bucket.server.content().delete(`a/manifests/${app}!/sha256/${cut.digest.slice('sha256:'.length)}`)
  assert.equal(await two.records.manifest(app, { tag: tag('v1') }), undefined)
  for await (const _ of two.garbage.collect({ graceMs: HOUR, dryRun: false }, signal));
  assert.deepEqual(
    (await one.records.tags(app, { limit: 9 })).map(({ name }) => name),
    ['v2'],
  )
  const left = await one.records.referrers(app, subject, { limit: 9 })
  assert.deepEqual(
    left.map(({ digest }) => digest),
    [digestOf('whole')],
  )
})

test('a blob that was removed and pushed again elsewhere is read by who had it open before', async () => {
  await using bucket = await BucketUnderTest.start()
  const [one, two] = await pool(bucket)
  const bytes = Buffer.from('again')
  const digest = await pushBlob(one, app, bytes)
  assert.deepEqual(await content(two, digest), bytes)
  bucket.now += 2 * HOUR
  for await (const _ of one.garbage.collect({ graceMs: HOUR, dryRun: false }, signal));
  assert.equal(await two.blobs.open(digest, undefined, signal), undefined)
  await pushBlob(one, app, bytes)
  assert.deepEqual(await content(two, digest), bytes)
  const before = bucket.server.calls.length
  assert.deepEqual(await content(two, digest), bytes)
  assert.equal(bucket.server.calls.length - before, 1)
})
