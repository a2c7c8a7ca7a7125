import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '@caisson/oci'
import { Client } from '../client.ts'
import { startRegistry, type TestRegistry } from '../registry.ts'
import { setUpstream } from './mirror.ts'
import { type Handler, type MockUpstream, mockUpstream, sendFrom } from './mock-upstream.ts'

const blob = randomBytes(3 << 20)
const digest = digestOf(blob)
const path = `/v2/hub/app/blobs/${digest}`

interface Under extends AsyncDisposable {
  readonly registry: TestRegistry
  readonly client: Client
  readonly upstream: MockUpstream
}

async function start(handler: Handler, upstreams: object = {}, maxDownloads = 0): Promise<Under> {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await mockUpstream(handler))
  const config = { upstreams: { idleSeconds: 2, lingerSeconds: 0.2, ...upstreams } }
  const registry = stack.use(await startRegistry({ config }))
  await setUpstream(registry, upstream.url, { maxDownloads })
  const owned = stack.move()
  return { registry, upstream, client: new Client(registry.url), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The bytes that come before the connection ends, and whether it ended as it should. */
async function bytesOf(response: Response): Promise<{ bytes: Buffer; isClean: boolean }> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of response.body ?? []) pieces.push(piece)
    return { bytes: Buffer.concat(pieces), isClean: true }
  } catch {
    return { bytes: Buffer.concat(pieces), isClean: false }
  }
}

const isHeld = async ({ registry }: Under): Promise<boolean> =>
  (await registry.backend.records.linkedBlob('hub/app' as never, digest)) !== undefined

const leftIn = ({ registry }: Under): string[] => readdirSync(join(registry.dir, 'downloads'))

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tried = 0; tried < 300; tried++) {
    if (await holds()) return
    await sleep(20)
  }
  assert.fail(`${what} did not come`)
}

test('20 clients cause one download, and read while it goes on', async () => {
  const half = Promise.withResolvers<void>()
  const half2 = blob.length / 2
  await using under = await start((request, response) => {
    const bytes = sendFrom(request, response, blob)
    response.write(bytes.subarray(0, half2))
    void half.promise.then(() => response.end(bytes.subarray(half2)))
  })
  const { client, upstream } = under
  const responses = await Promise.all(Array.from({ length: 20 }, () => client.send('GET', path)))
  assert.ok(responses.every(({ status }) => status === 200))
  const reader = responses[0]?.body?.getReader()
  let first = 0
  while (first < half2 - 1) first += (await reader?.read())?.value?.length ?? Number.NaN
  assert.equal(first, half2 - 1)
  // Who comes late begins at the beginning, or where he wants.
  const headers = { range: `bytes=${half2 - 10}-${half2 + 9}` }
  const [late, part] = await Promise.all([client.send('GET', path), client.send('GET', path, { headers })])
  assert.deepEqual(
    [part.status, part.headers.get('content-range')],
    [206, `bytes ${half2 - 10}-${half2 + 9}/${blob.length}`],
  )
  const head = await client.ask('GET', path, { headers: { range: `bytes=${blob.length}-` } })
  assert.deepEqual([head.status, head.headers.get('content-range')], [416, `bytes */${blob.length}`])
  half.resolve()
  for (const response of [...responses.slice(1), late])
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(blob))
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), blob.subarray(half2 - 10, half2 + 10))
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
    first += piece.value.length
  assert.equal(first, blob.length)
  assert.deepEqual(upstream.asked, [`GET /v2/app/blobs/${digest}`])
  assert.ok(await isHeld(under))
  await until(() => leftIn(under).length === 0, 'an empty folder of downloads')
})

test('goes on for the others when the client that began it goes away', async () => {
  const rest = Promise.withResolvers<void>()
  await using under = await start((request, response) => {
    const bytes = sendFrom(request, response, blob)
    response.write(bytes.subarray(0, 1_000_000))
    void rest.promise.then(() => response.end(bytes.subarray(1_000_000)))
  })
  const leaving = new AbortController()
  const began = await under.client.send('GET', path, { signal: leaving.signal })
  const stays = await under.client.send('GET', path)
  leaving.abort()
  await assert.rejects(began.arrayBuffer())
  await sleep(400)
  rest.resolve()
  assert.ok(Buffer.from(await stays.arrayBuffer()).equals(blob))
  assert.equal(under.upstream.asked.length, 1)
})

test('ends when nobody waits for it, and goes on where it ended', async () => {
  let isCut = false
  await using under = await start((request, response) => {
    const bytes = sendFrom(request, response, blob)
    if (request.method === 'HEAD') return
    if (request.headers.range !== undefined) return response.end(bytes)
    response.on('close', () => {
      isCut = true
    })
    return response.write(bytes.subarray(0, 1_000_000))
  })
  const leaving = new AbortController()
  await under.client.send('GET', path, { signal: leaving.signal })
  await sleep(200)
  leaving.abort()
  await until(() => isCut, 'the end of the download')
  assert.equal(await isHeld(under), false)
  const { status, body } = await under.client.ask('GET', path)
  assert.equal(status, 200)
  assert.ok(body.equals(blob))
  const { asked, headers } = under.upstream
  assert.deepEqual(
    asked.map((text, index) => [text.split(' ')[0], headers[index]?.range]),
    [
      ['GET', undefined],
      ['HEAD', undefined],
      ['GET', 'bytes=1000000-'],
    ],
  )
})

test('takes a broken connection up where it broke', async () => {
  await using under = await start((request, response, count) => {
    const bytes = sendFrom(request, response, blob)
    if (count < 2) response.write(bytes.subarray(0, 900_000), () => response.destroy())
    else response.end(bytes)
  })
  const { body } = await under.client.ask('GET', path)
  assert.ok(body.equals(blob))
  const begins = under.upstream.headers.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]))
  assert.equal(begins.length, 3)
  assert.ok(
    begins.every((first, index) => index === 0 || first > (begins[index - 1] ?? 0)),
    begins.join(),
  )
})

test('a download that stays broken breaks off its clients, lists nothing, and can go on', async () => {
  let isAway = true
  await using under = await start((request, response, count) => {
    if (count > 0 && isAway) return response.destroy()
    const bytes = sendFrom(request, response, blob)
    return isAway ? response.write(bytes.subarray(0, 900_000), () => response.destroy()) : response.end(bytes)
  })
  const { bytes, isClean } = await bytesOf(await under.client.send('GET', path))
  assert.deepEqual([isClean, bytes.length < blob.length], [false, true])
  assert.equal(await isHeld(under), false)
  const { uploads } = under.registry.backend
  await until(async () => (await uploads.pending('*')) === 0, 'the end of the upload')
  assert.equal(await under.registry.backend.blobs.stat(digest), undefined)
  assert.equal((await under.client.ask('GET', path)).status, 502)
  isAway = false
  assert.ok((await under.client.ask('GET', path)).body.equals(blob))
  assert.match(under.upstream.headers.at(-1)?.range ?? '', /^bytes=\d{6}-$/)
})

test('what nobody went on with is removed after its time', async () => {
  await using under = await start((request, response, count) => {
    if (count > 0) return response.destroy()
    return response.write(sendFrom(request, response, blob).subarray(0, 900_000), () => response.destroy())
  })
  const { mirror } = under.registry.service
  await bytesOf(await under.client.send('GET', path))
  assert.equal((await under.client.ask('GET', path)).status, 502)
  await mirror?.expire(Date.now() - 60_000)
  assert.equal(leftIn(under).length, 1)
  await mirror?.expire(Date.now() + 1_000)
  assert.deepEqual(leftIn(under), [])
})

/** Ways to send wrong bytes, each with the length that is announced. */
const wrong = Buffer.from(blob)
wrong[wrong.length - 5] = (wrong.at(-5) ?? 0) ^ 1
const LIES: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  'a wrong byte': (response) => response.writeHead(200, { 'content-length': blob.length }).end(wrong),
  'a wrong byte, and no length': (response) => response.end(wrong),
  'less, and no length': (response) => response.end(blob.subarray(0, -1)),
  'nothing at all': (response) => response.end(),
}

for (const [lie, answer] of Object.entries(LIES)) {
  test(`a client that was sent ${lie} never gets to a clean end`, async () => {
    let isLying = true
    await using under = await start((request, response) =>
      isLying ? answer(response) : response.end(sendFrom(request, response, blob)),
    )
    for (const headers of [{}, { range: 'bytes=0-9' }]) {
      const response = await under.client.send('GET', path, { headers })
      const { isClean } = await bytesOf(response)
      assert.ok(!isClean || response.status >= 400, `${response.status} and a clean end`)
      assert.equal(await isHeld(under), false)
    }
    await until(() => leftIn(under).length === 0, 'an empty folder of downloads')
    isLying = false
    assert.ok((await under.client.ask('GET', path)).body.equals(blob))
  })
}

test('an upstream that does not end, or announces too much, is cut off', async () => {
  const endless = (response: ServerResponse): void => {
    if (!response.destroyed) response.write(blob.subarray(0, 65_536), () => setImmediate(endless, response))
  }
  await using under = await start((_request, response) => endless(response), { maxBlobBytes: 1 << 20 })
  const { bytes, isClean } = await bytesOf(await under.client.send('GET', path))
  assert.deepEqual([isClean, bytes.length <= 1 << 20], [false, true])
  await until(() => leftIn(under).length === 0, 'an empty folder of downloads')
  await using large = await start(
    (request, response) => response.write(sendFrom(request, response, blob).subarray(0, 1_000)),
    { maxBlobBytes: 1 << 20 },
  )
  const { status, body } = await large.client.ask('GET', path)
  assert.equal(status, 502)
  assert.match(body.toString(), /too large/)
  await until(() => large.upstream.open() === 0, 'the end of the connection')
})

test('an upstream that is silent is not waited for long', async () => {
  await using under = await start(() => {}, { idleSeconds: 0.2 })
  assert.equal((await under.client.ask('GET', path)).status, 502)
  assert.equal((await under.client.ask('GET', '/v2/hub/app/manifests/1')).status, 502)
})

test('downloads from one upstream wait for their turn', async () => {
  const blobs = Array.from({ length: 6 }, () => randomBytes(1_000))
  let [now, most] = [0, 0]
  await using under = await start(
    async (request, response) => {
      most = Math.max(most, ++now)
      await sleep(50)
      now--
      response.end(blobs.find((one) => request.url?.endsWith(digestOf(one))))
    },
    {},
    2,
  )
  const answers = await Promise.all(blobs.map((one) => under.client.ask('GET', `/v2/hub/app/blobs/${digestOf(one)}`)))
  assert.ok(answers.every(({ status, body }, index) => status === 200 && body.equals(blobs[index] ?? Buffer.of())))
  assert.equal(most, 2)
})
