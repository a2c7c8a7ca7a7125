import assert from 'node:assert/strict'
import { digestOf } from '@caisson/oci'
import { app, manifest, name, push, tag } from './content.ts'
import type { It } from './under-test.ts'

/** Records: pages and sums. */
export function listings(it: It): void {
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

  it('counts a namespace with the repository that has its very name, and no neighbour', async (backend) => {
    const blob = await push(backend, name('team'), Buffer.from('12345'))
    for (const repository of ['team/app', 'team-b', 'team.c', 'teams'])
      await backend.records.mountBlob(name(repository), blob, name('team'))
    await backend.records.putManifest(manifest(name('team'), { text: '123', blobs: [blob] }))
    await backend.records.putManifest(manifest(name('team/app'), { text: '123', blobs: [blob] }))
    const { bytes, blobs, namespaces } = await backend.records.totals()
    assert.deepEqual([bytes, blobs], [5, 1])
    assert.deepEqual({ ...namespaces }, { team: 8, 'team-b': 5, 'team.c': 5, teams: 5 })
  })
}
