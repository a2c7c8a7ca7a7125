import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { type Digest, digestOf } from '@caisson/oci'
import { calm, pieces, putBytes, smallImage } from './image.ts'
import { type MockRegistry, mockRegistry, testClient } from './mock-registry.ts'

const { layer, layerDigest: digest } = smallImage(400_000)
const size = layer.length

type Trouble = (count: number, request: IncomingMessage, response: ServerResponse, self: UploadRegistry) => unknown

/** A registry that keeps one upload, and what a test makes go wrong. */
class UploadRegistry {
  stored = Buffer.of()
  deleted = 0
  started = 0
  readonly ranges: (string | undefined)[] = []
  readonly startHeaders: Record<string, string>
  /** Called for each PUT and PATCH before its body is read. True: it has dealt with it. */
  readonly #trouble: Trouble
  #bodies = 0

  constructor(trouble: Trouble = () => false, startHeaders: Record<string, string> = {}) {
    this.#trouble = trouble
    this.startHeaders = startHeaders
  }

  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'POST') {
      this.started++
      this.stored = Buffer.of()
      response.writeHead(202, { location: '/somewhere/1?_state=a%2Fb+c%3D%3D&x', ...this.startHeaders }).end()
      return
    }
    const { url = '' } = request
    assert.ok(url.startsWith('/somewhere/1?_state=a%2Fb+c%3D%3D&x'), url)
    if (request.method === 'DELETE') {
      this.deleted++
      response.writeHead(204).end()
    } else if (request.method === 'GET') {
      response.writeHead(204, { range: `0-${Math.max(0, this.stored.length - 1)}`, location: url }).end()
    } else await this.#take(request, response)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.ranges.push(request.headers['content-range'])
    if (await this.#trouble(this.#bodies++, request, response, this)) return
    for await (const chunk of request) this.stored = Buffer.concat([this.stored, chunk])
    if (request.method === 'PATCH') {
      const headers = { range: `0-${this.stored.length - 1}`, location: request.url ?? '' }
      response.writeHead(202, headers).end()
    } else response.writeHead(digestOf(this.stored) === digest ? 201 : 400).end()
  }
}

async function serving(registry: UploadRegistry): Promise<MockRegistry> {
  return await mockRegistry(
    (request, response) => void registry.handle(request, response).catch(() => response.destroy()),
  )
}

async function upload(server: MockRegistry, report: (bytes: number) => void = () => {}, signal = calm): Promise<void> {
  await using client = testClient()
  const repository = client.repository({ registry: server.address, repository: 'a' })
  await repository.putBlob({ digest, size }, (offset) => pieces(layer, offset), report, signal)
}

test('uploads in one PUT to the very place that the registry named', async () => {
  const registry = new UploadRegistry()
  await using server = await serving(registry)
  const reports: number[] = []
  await upload(server, (bytes) => reports.push(bytes))
  assert.ok(registry.stored.equals(layer))
  assert.deepEqual(server.asked, [
    'POST /v2/a/blobs/uploads/',
    `PUT /somewhere/1?_state=a%2Fb+c%3D%3D&x&digest=${digest}`,
  ])
  assert.equal(server.headers[1]?.['content-length'], String(size))
  assert.equal(reports.at(-1), size)
  assert.deepEqual(
    reports,
    reports.toSorted((a, b) => a - b),
  )
})

test('uploads an empty blob', async () => {
  const empty = Buffer.of()
  await using server = await mockRegistry((request, response) =>
    response.writeHead(request.method === 'POST' ? 202 : 201, { location: '/u' }).end(),
  )
  await using client = testClient()
  await putBytes(client.repository({ registry: server.address, repository: 'a' }), empty)
  assert.equal(server.headers[1]?.['content-length'], '0')
})

test('goes on where the registry stands when the connection breaks', async () => {
  const registry = new UploadRegistry(async (count, request, _response, self) => {
    if (count > 1) return false
    for await (const chunk of request) {
      self.stored = Buffer.concat([self.stored, chunk])
      if (self.stored.length > (count + 1) * 100_000) break
    }
    request.destroy()
    return true
  })
  await using server = await serving(registry)
  await upload(server)
  assert.ok(registry.stored.equals(layer))
  assert.equal(registry.started, 1)
  assert.match(registry.ranges[1] ?? '', /^1\d{5}-399999$/)
  assert.match(registry.ranges[2] ?? '', /^2\d{5}-399999$/)
})

test('begins again when the registry has lost the upload', async () => {
  const registry = new UploadRegistry((count, request, response) => {
    if (count > 0) return false
    request.resume()
    return response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
  })
  await using server = await mockRegistry((request, response) => {
    if (request.method === 'GET') response.writeHead(404).end()
    else void registry.handle(request, response).catch(() => response.destroy())
  })
  await upload(server)
  assert.ok(registry.stored.equals(layer))
  assert.equal(registry.started, 2)
})

test('sends chunks to a registry that wants them', async () => {
  const registry = new UploadRegistry(() => false, { 'oci-chunk-min-length': '1000' })
  await using server = await serving(registry)
  await upload(server)
  assert.ok(registry.stored.equals(layer))
  assert.deepEqual(registry.ranges, ['0-399999', undefined])
})

test('gives up after some attempts without progress, and has the upload deleted', async () => {
  const registry = new UploadRegistry((_count, request) => {
    request.destroy()
    return true
  })
  await using server = await serving(registry)
  await assert.rejects(upload(server), { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE' })
  assert.equal(registry.ranges.length, 3)
  assert.equal(registry.deleted, 1)
})

test('has the upload deleted when it is refused, cancelled, or its source fails', async () => {
  const refusing = new UploadRegistry((_count, request, response) => {
    request.resume()
    return response.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}')
  })
  await using first = await serving(refusing)
  await assert.rejects(upload(first), {
    code: 'invalid-argument',
    reason: 'REGISTRY_REFUSED',
    message: /DIGEST_INVALID/,
  })
  assert.equal(refusing.deleted, 1)

  const controller = new AbortController()
  const waiting = new UploadRegistry(() => {
    controller.abort()
    return true
  })
  await using second = await serving(waiting)
  await assert.rejects(
    upload(second, () => {}, controller.signal),
    { code: 'cancelled' },
  )
  assert.equal(waiting.deleted, 1)

  const calmOne = new UploadRegistry()
  await using third = await serving(calmOne)
  await using client = testClient()
  const repository = client.repository({ registry: third.address, repository: 'a' })
  const broken = Object.assign(new Error('full'), { code: 'ENOSPC' })
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield layer.subarray(0, 10)
    throw broken
  }
  await assert.rejects(
    repository.putBlob({ digest, size }, failing, () => {}, calm),
    { reason: 'NO_SPACE' },
  )
  for (const wrong of [layer.subarray(1), Buffer.concat([layer, layer])]) {
    const source = (): AsyncGenerator<Buffer> => pieces(wrong, 0)
    await assert.rejects(
      repository.putBlob({ digest, size }, source, () => {}, calm),
      { reason: 'SIZE_MISMATCH' },
    )
  }
  assert.equal(calmOne.deleted, 3)
})

test('believes no registry that claims to have more than it was sent, or another blob', async () => {
  await using server = await mockRegistry((request, response) => {
    request.resume()
    const headers = { location: '/u', 'oci-chunk-min-length': '1', range: '0-999999999' }
    response.writeHead(202, headers).end()
  })
  await assert.rejects(upload(server), { code: 'data-loss', reason: 'SIZE_MISMATCH' })
  await using other = await mockRegistry(async (request, response) => {
    for await (const _ of request);
    const headers = { location: '/u', 'docker-content-digest': digestOf('other') }
    response.writeHead(request.method === 'POST' ? 202 : 201, headers).end()
  })
  await assert.rejects(upload(other), { code: 'data-loss', reason: 'DIGEST_MISMATCH' })
})

test('sends bytes to another origin without credentials, and not to one out of reach', async () => {
  const storage = new UploadRegistry()
  await using elsewhere = await mockRegistry(async (request, response) => {
    for await (const chunk of request) storage.stored = Buffer.concat([storage.stored, chunk])
    response.writeHead(201).end()
  })
  let location = `http://${elsewhere.address}/bucket?sig=1`
  await using server = await mockRegistry((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    else response.writeHead(202, { location }).end()
  })
  await using client = testClient()
  const auth = { username: 'u', password: 'secret' }
  const repository = client.repository({ registry: server.address, repository: 'a' }, auth)
  const put = (): Promise<void> =>
    repository.putBlob(
      { digest, size },
      (offset) => pieces(layer, offset),
      () => {},
      calm,
    )
  await put()
  assert.ok(storage.stored.equals(layer))
  assert.deepEqual(elsewhere.asked, [`PUT /bucket?sig=1&digest=${digest}`])
  assert.equal(elsewhere.headers[0]?.authorization, undefined)
  location = 'http://169.254.169.254/bucket'
  await assert.rejects(put(), { code: 'permission-denied', reason: 'REGISTRY_ADDRESS_REFUSED' })
})

test('takes a refused mount for none, and forgets the upload that came instead', async () => {
  for (const [status, deleted] of [
    [201, 0],
    [202, 1],
    [404, 0],
    [405, 0],
    [403, 0],
  ] as const) {
    await using server = await mockRegistry((_request, response) =>
      response.writeHead(status, { location: '/u' }).end(),
    )
    await using client = testClient()
    const repository = client.repository({ registry: server.address, repository: 'a' })
    assert.equal(await repository.mountBlob(digest, 'team/b', calm), status === 201)
    assert.equal(
      server.asked[0],
      `POST /v2/a/blobs/uploads/?mount=${encodeURIComponent(digest as Digest)}&from=team%2Fb`,
    )
    assert.equal(server.asked.filter((line) => line === 'DELETE /u').length, deleted)
  }
})
