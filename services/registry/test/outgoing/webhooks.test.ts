import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../client.ts'
import { blobOf } from '../registry.ts'
import { entriesOf, isSigned, type Manner, Receiver, until } from './receiver.ts'
import { HASTY, type ServedRegistry, serveRegistry } from './rpc.ts'

const KEY = randomBytes(32)
const SECRET = `whsec_${KEY.toString('base64')}`
const PUSHES = { events: ['manifest.pushed'] }

async function stateOf(registry: ServedRegistry, name: string) {
  const { webhooks } = await registry.webhooks.list({})
  const state = webhooks.find((webhook) => webhook.name === name)?.state
  assert.ok(state, `there is no webhook ${name}`)
  return state
}

test('tells of pushes, pulls and deletes as registries do, signed, in order', async () => {
  await using receiver = await Receiver.start()
  await using registry = await serveRegistry({ config: { publicUrl: 'https://registry.example/', outgoing: HASTY } })
  const client = new Client(registry.url)
  await client.pushImage('team/early', '1', blobOf(10))
  const events = ['manifest.pushed', 'manifest.pulled', 'manifest.deleted', 'tag.deleted', 'repository.deleted']
  const made = await registry.webhooks.set({ name: 'ci', url: receiver.url, secret: SECRET, events })
  assert.deepEqual([made.secret, made.signed], ['', true])
  const image = await client.imageOf('team/app', blobOf(100))
  const headers = { 'content-type': image.mediaType, 'user-agent': 'pusher/1 \u00ff' }
  const path = '/v2/team/app/manifests/v1?tag=v2'
  assert.equal((await client.ask('PUT', path, { headers, body: Buffer.from(image.bytes) })).status, 201)
  for (let times = 0; times < 3; times++) await client.ask('GET', '/v2/team/app/manifests/v1')
  await registry.service.pulls.flush()
  await client.ask('DELETE', '/v2/team/app/manifests/v2')
  await client.ask('DELETE', `/v2/team/app/manifests/${image.digest}`)
  await until(() => receiver.entries.length === 5, 'five entries arrive')
  const { digest, mediaType, bytes } = image
  const url = `https://registry.example/v2/team/app/manifests/${digest}`
  const where = { repository: 'team/app', digest, url }
  const pushed = { ...where, mediaType, size: bytes.byteLength, length: bytes.byteLength }
  assert.deepEqual(
    receiver.entries.map(({ action, target, count }) => [action, target, count]),
    [
      ['push', { ...pushed, tag: 'v1' }, undefined],
      ['push', { ...pushed, tag: 'v2' }, undefined],
      ['pull', { ...where, tag: 'v1' }, 3],
      ['delete', { ...where, tag: 'v2' }, undefined],
      ['delete', where, undefined],
    ],
  )
  assert.equal(receiver.entries[0]?.request['useragent'], 'pusher/1 ?')
  assert.equal(receiver.entries[0]?.source['instanceID'], registry.events.name)
  assert.equal(receiver.taken[0]?.headers['content-type'], 'application/vnd.docker.distribution.events.v1+json')
  assert.ok(receiver.taken.every((one) => isSigned(one, KEY)))
  assert.ok(!receiver.taken.some((one) => isSigned(one, Buffer.from('another key that is long enough'))))
  const state = await stateOf(registry, 'ci')
  assert.deepEqual([state.delivered, state.failed, state.skipped, state.lag], [4, 0, 0, 0])
  assert.ok(state.deliveredAt)
  assert.ok(!JSON.stringify(await registry.webhooks.list({})).includes(SECRET))
})

for (const manner of ['refuses', 'hangs', 'redirects', 'breaks'] satisfies Manner[])
  test(`an endpoint that ${manner} is tried again until it takes each event, once and in order`, async () => {
    await using receiver = await Receiver.start(manner)
    await using other = await Receiver.start()
    await using registry = await serveRegistry()
    const client = new Client(registry.url)
    await registry.webhooks.set({ name: 'bad', url: receiver.url, ...PUSHES })
    await registry.webhooks.set({ name: 'good', url: other.url, ...PUSHES })
    const digests: string[] = []
    for (const tag of ['1', '2', '3']) digests.push((await client.pushImage('app', tag, blobOf(10))).digest)
    await until(() => other.entries.length === 3, 'the other endpoint has everything')
    await until(() => receiver.received.length >= 2, 'it is tried again')
    assert.equal(receiver.taken.length, 0)
    assert.ok(receiver.received.every(({ path }) => path === '/hook'))
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1)
    const failing = await stateOf(registry, 'bad')
    assert.ok(failing.failed >= 1 && failing.failedAt && failing.lag >= 3, JSON.stringify(failing))
    const why = { refuses: /503: not +now/, hangs: /within 0.5 s/, redirects: /not followed/, breaks: /ECONNRESET/ }
    assert.match(failing.error, why[manner])
    receiver.manner = 'takes'
    await until(() => receiver.entries.length === 3, 'everything arrives')
    assert.deepEqual(
      receiver.entries.map(({ target }) => target['digest']),
      digests,
    )
    await until(async () => (await stateOf(registry, 'bad')).lag === 0, 'nothing is behind')
  })

test('reads little of an answer that never ends', async () => {
  await using receiver = await Receiver.start('never-ends')
  await using registry = await serveRegistry()
  await registry.webhooks.set({ name: 'endless', url: receiver.url, ...PUSHES })
  const client = new Client(registry.url)
  for (const tag of ['1', '2', '3']) await client.pushImage('app', tag, blobOf(10))
  await until(() => receiver.entries.length === 3, 'everything arrives')
  let before = -1
  const rests = async (): Promise<boolean> => {
    before = receiver.written
    await sleep(300)
    return receiver.written === before
  }
  await until(rests, 'it writes no more')
  assert.ok(before < 30 << 20, `${before} bytes were written`)
  const result = await registry.webhooks.test({ name: 'endless' })
  assert.deepEqual([result.taken, result.status, result.answer.length], [true, 200, 200])
})

test('a test says what was answered, whatever it was', async () => {
  await using receiver = await Receiver.start()
  await using registry = await serveRegistry()
  await registry.webhooks.set({ name: 'a', url: receiver.url, secret: SECRET, disabled: true })
  const good = await registry.webhooks.test({ name: 'a' })
  assert.deepEqual([good.taken, good.status, good.answer, good.error], [true, 200, 'thanks', ''])
  assert.equal(entriesOf(receiver.received[0] ?? assert.fail())[0]?.action, 'ping')
  assert.ok(receiver.received.every((one) => isSigned(one, KEY)))
  receiver.manner = 'redirects'
  const redirected = await registry.webhooks.test({ name: 'a' })
  assert.deepEqual([redirected.taken, redirected.status], [false, 307])
  receiver.manner = 'hangs'
  const silent = await registry.webhooks.test({ name: 'a' })
  assert.ok(!silent.taken && silent.status === 0 && /0.5 s/.test(silent.error) && silent.durationMs >= 400)
  await assert.rejects(registry.webhooks.test({ name: 'none' }), { reason: 'WEBHOOK_NOT_FOUND' })
})

test('chooses events and repositories, and is silent while it is disabled', async () => {
  await using receiver = await Receiver.start()
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  const webhook = { name: 'some', url: receiver.url, events: ['blob.pushed'], repositories: ['team/*', 'base'] }
  await registry.webhooks.set(webhook)
  for (const repository of ['team/a', 'other', 'base']) await client.pushImage(repository, '1', blobOf(10))
  await until(() => receiver.entries.length === 4, 'both blobs of both repositories arrive')
  assert.deepEqual([...new Set(receiver.entries.map(({ target }) => target['repository']))], ['team/a', 'base'])
  await registry.webhooks.set({ ...webhook, disabled: true })
  await client.pushImage('base', '2', blobOf(10))
  await registry.webhooks.set(webhook)
  const last = blobOf(10)
  await client.pushImage('base', '3', last)
  await until(() => receiver.entries.length === 6, 'what happens from then on arrives')
  await registry.webhooks.delete({ name: 'some' })
  await client.pushImage('base', '4', blobOf(10))
  await sleep(100)
  assert.equal(receiver.entries.length, 6)
  await assert.rejects(registry.webhooks.delete({ name: 'some' }), { reason: 'WEBHOOK_NOT_FOUND' })
})

test('refuses what cannot be right, and shows no password of a URL', async () => {
  await using registry = await serveRegistry()
  const wrong = [
    { name: 'Upper', url: 'https://a.example' },
    { name: '../x', url: 'https://a.example' },
    { name: 'a', url: 'http://a.example' },
    { name: 'a', url: 'ftp://a.example' },
    { name: 'a', url: 'nothing' },
    { name: 'a', url: 'https://a.example/#x' },
    { name: 'a', url: 'https://a.example', secret: 'short' },
    { name: 'a', url: 'https://a.example', secret: 'whsec_c2hvcnQ=' },
    { name: 'a', url: 'https://a.example', events: ['everything'] },
    { name: 'a', url: 'https://a.example', repositories: ['**'] },
    { name: 'a', url: 'https://a.example', secret: SECRET, unsigned: true },
  ]
  for (const webhook of wrong)
    await assert.rejects(registry.webhooks.set(webhook), { reason: 'INVALID' }, JSON.stringify(webhook))
  await assert.rejects(
    registry.webhooks.set({ name: 'a', url: 'https://me:hidden@a.example' }),
    (error: unknown) => error instanceof Error && !error.message.includes('hidden'),
  )
  await registry.webhooks.set({ name: 'a', url: 'http://a.example', insecure: true, disabled: true, secret: SECRET })
  assert.ok((await registry.webhooks.set({ name: 'a', url: 'https://a.example', disabled: true })).signed)
  assert.ok(
    !(await registry.webhooks.set({ name: 'a', url: 'https://a.example', disabled: true, unsigned: true })).signed,
  )
})

test('goes on after a restart where it was, with what happened while the endpoint was down', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-webhook-'))
  try {
    const receiver = await Receiver.start('refuses')
    const { port } = receiver
    {
      await using registry = await serveRegistry({ dir })
      await registry.webhooks.set({ name: 'a', url: receiver.url, ...PUSHES })
      receiver.manner = 'takes'
      await new Client(registry.url).pushImage('app', '1', blobOf(10))
      await until(async () => (await stateOf(registry, 'a')).delivered === 1, 'the first arrives')
      await receiver[Symbol.asyncDispose]()
      for (const tag of ['2', '3']) await new Client(registry.url).pushImage('app', tag, blobOf(10))
      await until(async () => (await stateOf(registry, 'a')).failed > 0, 'it fails')
    }
    await using again = await Receiver.start('takes', port)
    await using registry = await serveRegistry({ dir })
    await until(() => again.entries.length === 2, 'the others arrive')
    assert.deepEqual(
      again.entries.map(({ target }) => target['tag']),
      ['2', '3'],
    )
    assert.equal((await stateOf(registry, 'a')).delivered, 3)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('counts what the log dropped while an endpoint was down, and goes on behind it', async () => {
  await using receiver = await Receiver.start('refuses')
  await using registry = await serveRegistry({ config: { eventRetention: 1_000, outgoing: HASTY } })
  await registry.webhooks.set({ name: 'late', url: receiver.url, ...PUSHES })
  const client = new Client(registry.url)
  await client.pushImage('app', 'first', blobOf(10))
  await until(() => receiver.received.length > 0, 'it is told')
  const subject = { kind: 'repository', id: 'app' }
  const attributes = { digest: `sha256:${'0'.repeat(64)}`, tags: 'x' }
  for (let count = 0; count < 2_500; count++) registry.events.append({ type: 'manifest.pushed', subject, attributes })
  receiver.manner = 'takes'
  await until(async () => (await stateOf(registry, 'late')).lag === 0, 'nothing is behind', 60_000)
  const { delivered, skipped } = await stateOf(registry, 'late')
  assert.ok(skipped > 500 && skipped < 2_500, `${skipped} were skipped`)
  assert.equal(delivered + skipped, 2_501)
})

test('a test that is taken sends at once what waits', async () => {
  await using receiver = await Receiver.start('refuses')
  await using registry = await serveRegistry({
    config: { outgoing: { ...HASTY, firstRetrySeconds: 100, mostRetrySeconds: 100 } },
  })
  await registry.webhooks.set({ name: 'a', url: receiver.url, ...PUSHES })
  await new Client(registry.url).pushImage('app', '1', blobOf(10))
  await until(() => receiver.received.length === 1, 'it is tried')
  receiver.manner = 'takes'
  assert.ok((await registry.webhooks.test({ name: 'a' })).taken)
  await until(() => receiver.entries.some(({ action }) => action === 'push'), 'it is tried again', 5_000)
})
