import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { MEDIA_TYPE } from '@caisson/oci'
import { Client, type Manifest, manifestOf } from '../client.ts'
import { startRegistry, type TestRegistryOptions } from '../registry.ts'
import { setUpstream } from './mirror.ts'
import { type Handler, mockUpstream } from './mock-upstream.ts'

const image = manifestOf({ manifests: [] }, MEDIA_TYPE.ociIndex)
const path = '/v2/hub/app/manifests/1'

/** Answers as registries do for the manifest. */
function give(response: ServerResponse, manifest: Manifest = image): void {
  response
    .writeHead(200, {
      'content-type': manifest.mediaType,
      'content-length': manifest.bytes.length,
      'docker-content-digest': manifest.digest,
    })
    .end(manifest.bytes)
}

async function start(handler: Handler, options: TestRegistryOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await mockUpstream(handler))
  const registry = stack.use(await startRegistry(options))
  await setUpstream(registry, upstream.url)
  const owned = stack.move()
  return { upstream, registry, client: new Client(registry.url), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const answerOf = async (client: Client): Promise<string> => {
  const { status, code, headers } = await client.ask('GET', path)
  return `${status} ${code}${headers.has('warning') ? 'stale' : ''}`
}

test('what is held is served when the upstream fails, and not when it refuses', async () => {
  let now = Date.now()
  let status = 200
  const clock = () => now
  await using under = await start(
    (_request, response) => (status === 200 ? give(response) : response.writeHead(status).end()),
    { clock },
  )
  const { client } = under
  for (const [answer, before] of [
    [500, '502 UNAVAILABLE'],
    [503, '502 UNAVAILABLE'],
    [429, '502 UNAVAILABLE'],
    [403, '502 DENIED'],
    [404, '404 MANIFEST_UNKNOWN'],
  ] as const) {
    status = answer
    assert.equal(await answerOf(client), before)
  }
  status = 200
  assert.equal(await answerOf(client), '200 ')
  for (const [answer, after] of [
    [500, '200 stale'],
    [429, '200 stale'],
    [403, '502 DENIED'],
    [401, '502 DENIED'],
    [200, '200 '],
    [404, '404 MANIFEST_UNKNOWN'],
  ] as const) {
    now += 20_000
    status = answer
    assert.equal(await answerOf(client), after, String(answer))
  }
})

test('an upstream that is away is not asked again at once for what is held', async () => {
  let now = Date.now()
  let isAway = false
  const clock = () => now
  await using under = await start((_request, response) => (isAway ? response.destroy() : give(response)), { clock })
  const { client, upstream } = under
  assert.equal(await answerOf(client), '200 ')
  isAway = true
  assert.equal(await answerOf(client), '200 stale')
  const asked = upstream.asked.length
  for (let times = 0; times < 5; times++) assert.equal(await answerOf(client), '200 stale')
  assert.equal(upstream.asked.length, asked)
  isAway = false
  now += 10_001
  assert.equal(await answerOf(client), '200 ')
})

test('a tag that is checked costs a HEAD, and 20 clients at once one GET', async () => {
  await using under = await start((_request, response) => setTimeout(() => give(response), 50))
  const { client, upstream } = under
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask('GET', path)))
  assert.ok(answers.every(({ status, body }) => status === 200 && body.equals(image.bytes)))
  assert.deepEqual(upstream.asked, ['GET /v2/app/manifests/1'])
  assert.equal(await answerOf(client), '200 ')
  assert.deepEqual(upstream.asked.slice(1), ['HEAD /v2/app/manifests/1'])
})

const other = manifestOf({ manifests: [], annotations: { a: 'b' } }, MEDIA_TYPE.ociIndex)
/** Answers that are no manifest, or not the one that they say. */
const LIES: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  'another digest': (response) => give(response, { ...image, digest: other.digest }),
  'another type': (response) => give(response, { ...image, mediaType: MEDIA_TYPE.ociManifest }),
  'a page of HTML': (response) => response.end('<html>'),
  'a manifest of schema 1': (response) => response.end('{"schemaVersion":1}'),
  'more than 4 MiB': (response) => response.end(Buffer.alloc((4 << 20) + 1, ' ')),
  'less than it announces': (response) => {
    response.writeHead(200, { 'content-length': 1_000 }).write(image.bytes)
    response.destroy()
  },
}

for (const [lie, answer] of Object.entries(LIES)) {
  test(`an upstream that answers with ${lie} is not believed`, async () => {
    await using under = await start((_request, response) => answer(response))
    assert.match(await answerOf(under.client), /^502 (UNKNOWN|UNAVAILABLE)$/)
    const byDigest = await under.client.ask('GET', `/v2/hub/app/manifests/${image.digest}`)
    assert.equal(byDigest.status, 502)
    assert.equal(await under.registry.backend.records.hasRepository('hub/app' as never), false)
  })
}

test('a manifest that is asked for by its digest is that one', async () => {
  await using under = await start((_request, response) => give(response, other))
  const { status } = await under.client.ask('GET', `/v2/hub/app/manifests/${image.digest}`)
  assert.equal(status, 502)
})
