import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { type Digest, digestOf, MEDIA_TYPE } from '@caisson/oci'
import type { RepositoryName, TagName } from '../distribution/names.ts'
import type { Backend, GarbagePolicy, NewManifest } from './ports.ts'

/** A new, empty backend whose clock is the test's. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly backend: Backend
  /** Milliseconds since 1970 that the backend takes for now. */
  now: number
  /** Ends it and opens what it left behind: as when the process was killed and started again. */
  reopen(): Promise<void>
}

const name = (text: string): RepositoryName => text as RepositoryName
const tag = (text: string): TagName => text as TagName
const app = name('team/app')
const signal = new AbortController().signal
const HOUR = 3_600_000

async function push(backend: Backend, repository: RepositoryName, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes)
  const { id } = await backend.uploads.create(repository, 'sha256')
  await backend.uploads.append(repository, id, {}, Readable.from([bytes]), signal)
  await backend.uploads.finish(repository, id, digest)
  return digest
}

function manifest(repository: RepositoryName, more: Partial<NewManifest> & { readonly text?: string }): NewManifest {
  const { text = 'a manifest', ...rest } = more
  const bytes = Buffer.from(text)
  return {
    repository,
    bytes,
    digest: digestOf(bytes),
    mediaType: MEDIA_TYPE.ociManifest,
    blobs: [],
    manifests: [],
    sparse: false,
    annotations: {},
    tags: [],
    frozen: [],
    ...rest,
  }
}

const rejects = (promise: Promise<unknown>, reason: string) =>
  assert.rejects(promise, (thrown) => thrown instanceof CaissonError && thrown.reason === reason)

async function read(backend: Backend, digest: Digest, first?: number, last?: number): Promise<string> {
  const range = first === undefined ? undefined : { first, ...(last !== undefined && { last }) }
  await using reader = await backend.blobs.open(digest, range, signal)
  assert.ok(reader)
  return (await buffer(reader.stream())).toString()
}

async function collect(backend: Backend, policy: Partial<GarbagePolicy> = {}): Promise<string[]> {
  const removed: string[] = []
  for await (const { digest } of backend.garbage.collect({ graceMs: HOUR, dryRun: false, ...policy }, signal))
    removed.push(digest)
  return removed.sort()
}

/** What every backend does. `open` makes one for each test. */
export function backendSuite(kind: string, open: () => Promise<BackendUnderTest>): void {
  const it = (title: string, run: (backend: Backend, under: BackendUnderTest) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using under = await open()
      await run(under.backend, under)
    })
  }
  blobs(it)
  uploads(it)
  manifests(it)
  lists(it)
  garbage(it)
  documents(it)
}

type It = (title: string, run: (backend: Backend, under: BackendUnderTest) => Promise<void>) => void

function blobs(it: It): void {
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

function uploads(it: It): void {
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

function manifests(it: It): void {
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

function lists(it: It): void {
  it('lists repositories and tags by pages, in the order of their names', async (backend) => {
    const { records } = backend
    for (const repository of ['b', 'a/z', 'a', 'a-b', 'a/b'])
      await records.putManifest(manifest(name(repository), { tags: ['c', 'B', 'a'].map(tag) }))
    assert.deepEqual(await records.repositories({ limit: 10 }), ['a', 'a-b', 'a/b', 'a/z', 'b'])
    assert.deepEqual(await records.repositories({ limit: 2, after: 'a-c' }), ['a/b', 'a/z'])
    assert.deepEqual(await records.repositories({ limit: 9, prefix: 'a/' }), ['a/b', 'a/z'])
    const tags = await records.tags(name('a'), { limit: 2 })
    assert.deepEqual(
      tags.map((one) => one.name),
      ['B', 'a'],
    )
    const rest = await records.tags(name('a'), { limit: 2, after: 'a' })
    assert.deepEqual(
      rest.map((one) => one.name),
      ['c'],
    )
    const digest = rest[0]?.target.digest ?? digestOf('')
    assert.equal((await records.tags(name('a'), { limit: 9, digest })).length, 3)
    assert.deepEqual(await records.tags(name('a'), { limit: 9, digest: digestOf('other') }), [])
  })

  it('lists referrers by pages, in the order of their digests, by type', async (backend) => {
    const subject = digestOf('subject')
    const all = ['r1', 'r2', 'r3', 'r4'].map((text, n) =>
      manifest(app, { text, subject, artifactType: n % 2 === 0 ? 'a/even' : 'a/odd', annotations: { n: String(n) } }),
    )
    for (const one of all) await backend.records.putManifest(one)
    const sorted = all.map(({ digest }) => digest).sort()
    const page = await backend.records.referrers(app, subject, { limit: 3 })
    assert.deepEqual(
      page.map(({ digest }) => digest),
      sorted.slice(0, 3),
    )
    const rest = await backend.records.referrers(app, subject, { limit: 3, ...(sorted[2] && { after: sorted[2] }) })
    assert.deepEqual(
      rest.map(({ digest }) => digest),
      sorted.slice(3),
    )
    const odd = await backend.records.referrers(app, subject, { limit: 9, artifactType: 'a/odd' })
    assert.deepEqual(odd.map(({ annotations }) => annotations?.['n']).sort(), ['1', '3'])
    assert.deepEqual(await backend.records.referrers(name('other'), subject, { limit: 3 }), [])
  })

  it('counts what a repository and a namespace hold, each thing once', async (backend, under) => {
    const { records } = backend
    const blob = await push(backend, app, Buffer.from('12345'))
    await records.mountBlob(name('team/copy'), blob, app)
    await records.putManifest(manifest(app, { text: '123', blobs: [blob], tags: [tag('a'), tag('b')] }))
    await records.notePulls([{ repository: app, tag: tag('a'), at: under.now + 5 }])
    assert.equal(await records.usage('team/*'), 8)
    assert.equal(await records.usage('team/copy'), 5)
    assert.equal(await records.usage('tea'), 0)
    const found = await records.repository(app)
    assert.deepEqual(found, { name: app, tags: 2, manifests: 1, size: 8, pushedAt: under.now, pulledAt: under.now + 5 })
    assert.equal((await records.tags(app, { limit: 1 }))[0]?.pulledAt, under.now + 5)
    const totals = await records.totals()
    assert.deepEqual([totals.bytes, totals.blobs, totals.namespaces['team']], [5, 1, 8])
    assert.equal(await records.repository(name('no')), undefined)
  })
}

function garbage(it: It): void {
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

function documents(it: It): void {
  it('keeps documents, and lets one of two writers win', async (backend) => {
    const { documents } = backend
    assert.equal(await documents.get('users', 'ann'), undefined)
    const first = await documents.put('users', 'ann', { n: 1 }, 'absent')
    await rejects(documents.put('users', 'ann', { n: 2 }, 'absent'), 'DOCUMENT_CHANGED')
    const second = await documents.put('users', 'ann', { n: 2 }, { version: first })
    await rejects(documents.put('users', 'ann', { n: 3 }, { version: first }), 'DOCUMENT_CHANGED')
    assert.deepEqual(await documents.get('users', 'ann'), { value: { n: 2 }, version: second })
    await rejects(documents.delete('users', 'ann', { version: first }), 'DOCUMENT_CHANGED')
    assert.equal(await documents.delete('users', 'ann', { version: second }), true)
    assert.equal(await documents.delete('users', 'ann', 'any'), false)
  })

  it('lists documents of one collection by pages', async (backend) => {
    for (const key of ['team/*', 'b', 'a b', 'team/app', 'ü'])
      await backend.documents.put('policy', key, { key }, 'any')
    await backend.documents.put('users', 'x', 1, 'any')
    const keys = async (page: { after?: string; limit: number; prefix?: string }) =>
      (await backend.documents.list('policy', page)).map(({ key }) => key)
    assert.deepEqual(await keys({ limit: 10 }), ['a b', 'b', 'team/*', 'team/app', 'ü'])
    assert.deepEqual(await keys({ limit: 2, after: 'b' }), ['team/*', 'team/app'])
    assert.deepEqual(await keys({ limit: 9, prefix: 'team/' }), ['team/*', 'team/app'])
  })
}
