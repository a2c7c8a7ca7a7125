import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { createLogger } from '@caisson/service-kit'
import { manifestOf, openBucketUnderTest } from '../src/backend/bucket/bucket-under-test.ts'
import { DiskUnderTest } from '../src/backend/disk/disk-under-test.ts'
import type { BackendUnderTest } from '../src/backend/ports-suite/under-test.ts'
import { configSchema } from '../src/config.ts'
import { parseRepositoryName, parseTagName } from '../src/distribution/names.ts'
import { buildDomain } from '../src/domain.ts'
import type { Policy, RetentionRule } from '../src/policy/policy.ts'

const DAY_MS = 86_400_000
const app = parseRepositoryName('team/app')
const web = parseRepositoryName('team/web')
const { signal } = new AbortController()
const config = configSchema.parse({ access: 'open' })
const log = createLogger('registry', 'fatal')

const rule = (tags: string, more: Partial<RetentionRule>): RetentionRule => ({
  ...{ tags, keepNewest: 0, keepDays: 0, keepPulledDays: 0 },
  ...more,
})

/** A registry's domain on one of the backends, whose days the test counts. */
async function open(kind: 'disk' | 'bucket') {
  const under: BackendUnderTest = await (kind === 'disk' ? new DiskUnderTest().open() : openBucketUnderTest())
  const { backend } = under
  const domain = buildDomain({ backend, config, log, tellPulls: () => {}, clock: () => under.now })
  const { records } = backend
  return {
    domain,
    records,
    push: (repository: typeof app, text: string, ...tags: string[]) =>
      records.putManifest(manifestOf(text, { repository, tags: tags.map(parseTagName) })),
    tags: async (repository = app) => (await records.tags(repository, { limit: 5_000 })).map(({ name }) => name),
    pass: (days: number) => {
      under.now += days * DAY_MS
    },
    set: (scope: string, more: Partial<Policy>) =>
      domain.policies.set(scope, {
        ...{ anonymousPull: false, immutableTags: [], quotaBytes: 0, retention: [], deletes: false },
        ...more,
      }),
    apply: async (dryRun: boolean) => {
      const removed: string[] = []
      for await (const { repository, tag } of domain.retention.apply({ dryRun }, signal))
        removed.push(`${repository}:${tag}`)
      return removed.sort()
    },
    [Symbol.asyncDispose]: () => under[Symbol.asyncDispose](),
  }
}

for (const kind of ['disk', 'bucket'] as const) {
  test(`${kind}: a rehearsal tells what the rules then remove, by number, by push and by pull`, async () => {
    await using registry = await open(kind)
    const { push, pass, set, apply, tags, domain } = registry
    await push(app, 'one', 'nightly-1', 'v1', 'used')
    pass(10)
    await push(app, 'two', 'nightly-2', 'v2', 'unused')
    await push(web, 'two', 'nightly-2')
    pass(10)
    await push(app, 'three', 'nightly-3')
    domain.pulls.note(app, { tag: parseTagName('used') }, digestOf('one'))
    const retention = [
      rule('nightly-*', { keepNewest: 1 }),
      rule('v*', { keepDays: 15 }),
      rule('*used', { keepPulledDays: 5 }),
    ]
    await set('team/*', { retention })
    const rehearsed = await apply(true)
    assert.deepEqual(rehearsed, ['team/app:nightly-1', 'team/app:nightly-2', 'team/app:unused', 'team/app:v1'])
    assert.equal((await tags()).length, 7)
    assert.deepEqual(await apply(false), rehearsed)
    assert.deepEqual(await tags(), ['nightly-3', 'used', 'v2'])
    assert.deepEqual(await tags(web), ['nightly-2'])
    assert.deepEqual(await apply(false), [])
  })

  test(`${kind}: tags that never move are kept, and so are manifests whose tags went`, async () => {
    await using registry = await open(kind)
    const { push, pass, set, apply, tags, records } = registry
    const [one, two] = [manifestOf('one'), manifestOf('two')]
    await push(app, 'one', 'v1', 'old')
    pass(1)
    await push(app, 'two', 'v2')
    await set('team/app', { retention: [rule('*', { keepNewest: 1 })], immutableTags: ['v*'] })
    assert.deepEqual(await apply(true), ['team/app:old'])
    assert.deepEqual(await apply(false), ['team/app:old'])
    assert.deepEqual(await tags(), ['v1', 'v2'])
    await set('team/app', { retention: [rule('*', { keepNewest: 1 })] })
    assert.deepEqual(await apply(false), ['team/app:v1'])
    for (const { digest } of [one, two]) assert.ok(await records.manifest(app, { digest }))
  })

  test(`${kind}: a tag that is pushed again is as young as its last push, and one that moves meanwhile stays`, async () => {
    await using registry = await open(kind)
    const { push, pass, set, tags, domain } = registry
    await push(app, 'one', 'a', 'b', 'c')
    pass(20)
    await push(app, 'one', 'a')
    await set('team/app', { retention: [rule('*', { keepDays: 10 })] })
    for await (const { tag } of domain.retention.apply({ dryRun: false }, signal))
      if (tag === 'b') await push(app, 'two', 'c')
    assert.deepEqual(await tags(), ['a', 'c'])
  })
}

test('rules reach tags beyond the first thousand', async () => {
  await using registry = await open('disk')
  const { push, pass, set, apply, tags } = registry
  const many = Array.from({ length: 1_100 }, (_, n) => `t${String(n).padStart(4, '0')}`)
  await push(app, 'one', ...many)
  pass(5)
  await push(app, 'two', 't0000', 't1050')
  await set('team/*', { retention: [rule('t*', { keepDays: 2 })] })
  assert.equal((await apply(true)).length, many.length - 2)
  assert.equal((await apply(false)).length, many.length - 2)
  assert.deepEqual(await tags(), ['t0000', 't1050'])
})
