import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf, MEDIA_TYPE } from '@caisson/oci'
import type { Repository } from '../src/index.ts'
import { calm, readBlob, smallImage } from './image.ts'
import { type Handler, mockRegistry, testClient } from './mock-registry.ts'

const image = smallImage(100_000)
const { bytes: manifestBytes, digest: manifestDigest } = image.manifest
const blob = { digest: image.layerDigest, size: image.layer.length }
const OK = { 'content-type': MEDIA_TYPE.ociManifest }

/** Runs against a registry that answers every request in the same way. */
async function against(
  handler: Handler,
  use: (repository: Repository, asked: readonly string[]) => Promise<void>,
): Promise<void> {
  await using server = await mockRegistry(handler)
  await using client = testClient({ idleMs: 300 })
  await use(client.repository({ registry: server.address, repository: 'a' }), server.asked)
}

const serve = (status: number, headers: Record<string, string>, body: Uint8Array | string = ''): Handler => {
  return (_request, response) => response.writeHead(status, headers).end(body)
}

test('refuses a manifest that is not what its digest says', async () => {
  await against(serve(200, OK, manifestBytes), async (repository) => {
    const other = digestOf('other')
    await assert.rejects(repository.manifest(other, calm), { code: 'data-loss', reason: 'DIGEST_MISMATCH' })
    assert.equal((await repository.manifest(manifestDigest, calm)).digest, manifestDigest)
  })
  await against(serve(200, { ...OK, 'docker-content-digest': digestOf('x') }, manifestBytes), async (repository) => {
    await assert.rejects(repository.manifest('1', calm), { code: 'data-loss', reason: 'DIGEST_MISMATCH' })
  })
})

test('checks sha512 digests as well', async () => {
  const long = digestOf(manifestBytes, 'sha512')
  await against(serve(200, { ...OK, 'docker-content-digest': long }, manifestBytes), async (repository) => {
    assert.equal((await repository.manifest('1', calm)).digest, long)
    assert.equal((await repository.manifest(long, calm)).digest, long)
    await assert.rejects(repository.manifest(digestOf('x', 'sha512'), calm), { reason: 'DIGEST_MISMATCH' })
  })
})

test('refuses a document that says otherwise than its content type, and schema 1 however it is named', async () => {
  const wrong: [string, string][] = [
    [MEDIA_TYPE.ociIndex, manifestBytes.toString()],
    [MEDIA_TYPE.dockerManifest, manifestBytes.toString()],
    ['application/vnd.docker.distribution.manifest.v1+prettyjws', manifestBytes.toString()],
    [MEDIA_TYPE.dockerManifest, '{"schemaVersion":1,"fsLayers":[]}'],
    [MEDIA_TYPE.ociManifest, '{"schemaVersion":2,"layers":[],"manifests":[]}'],
    ['text/html', '<html>'],
  ]
  for (const [type, body] of wrong) {
    await against(serve(200, { 'content-type': type }, body), async (repository) => {
      await assert.rejects(repository.manifest('1', calm), { name: 'CaissonError', code: 'invalid-argument' }, type)
    })
  }
})

test('refuses a manifest of more than 4 MiB, announced or endless', async () => {
  await against(serve(200, { ...OK, 'content-length': String(5 << 20) }), async (repository) => {
    await assert.rejects(repository.manifest('1', calm), { code: 'resource-exhausted', reason: 'MANIFEST_TOO_LARGE' })
  })
  let sent = 0
  const endless: Handler = (_request, response) => {
    const chunk = Buffer.alloc(65_536, ' ')
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length
      response.once('drain', more)
    }
    response.writeHead(200, OK)
    more()
  }
  await against(endless, async (repository) => {
    await assert.rejects(repository.manifest('1', calm), { code: 'resource-exhausted', reason: 'MANIFEST_TOO_LARGE' })
    assert.ok(sent < 64 << 20, `${sent} bytes were taken`)
  })
})

test('gives up a registry that is silent: before its answer, in a manifest, in a blob, byte by byte', async () => {
  const silent: Handler[] = [
    () => {},
    (_request, response) => response.writeHead(200, { ...OK, 'content-length': '100' }).write('{'),
    (_request, response) => {
      response.writeHead(200, OK)
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    },
  ]
  for (const handler of silent) {
    await against(handler, async (repository) => {
      await assert.rejects(repository.manifest('1', calm), { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE' })
    })
  }
  const half: Handler = (_request, response) =>
    response.writeHead(200, { 'content-length': String(blob.size) }).write(image.layer.subarray(0, 1000))
  await against(half, async (repository) => {
    await assert.rejects(readBlob(repository, blob.digest, blob.size), { code: 'unavailable' })
  })
})

test('does not take a slow reader for a silent registry', async () => {
  await against(serve(200, {}, image.layer), async (repository) => {
    const { chunks } = await repository.blob(blob, 0, calm)
    let length = 0
    for await (const chunk of chunks) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 700))
      length += chunk.length
    }
    assert.equal(length, blob.size)
  })
})

test('notices blobs that end early or go on', async () => {
  const cut: Handler = (_request, response) => {
    response.writeHead(200, { 'content-length': String(blob.size) })
    response.write(image.layer.subarray(0, 5000), () => response.destroy())
  }
  await against(cut, async (repository) => {
    await assert.rejects(readBlob(repository, blob.digest, blob.size), { code: 'unavailable' })
  })
  const chunked =
    (body: Buffer): Handler =>
    (_request, response) => {
      response.writeHead(200)
      response.write(body.subarray(0, 10))
      response.end(body.subarray(10))
    }
  await against(chunked(image.layer.subarray(1)), async (repository) => {
    await assert.rejects(readBlob(repository, blob.digest, blob.size), {
      code: 'unavailable',
      reason: 'BLOB_TRUNCATED',
    })
  })
  await against(chunked(Buffer.concat([image.layer, Buffer.from('x')])), async (repository) => {
    await assert.rejects(readBlob(repository, blob.digest, blob.size), { code: 'data-loss', reason: 'SIZE_MISMATCH' })
  })
  await against(serve(200, { 'content-length': '5' }, 'short'), async (repository) => {
    await assert.rejects(repository.blob(blob, 0, calm), { code: 'data-loss', reason: 'SIZE_MISMATCH' })
  })
  await against(serve(200, { 'content-encoding': 'gzip' }, image.layer), async (repository) => {
    await assert.rejects(readBlob(repository, blob.digest, blob.size), { code: 'data-loss' })
  })
})

test('takes the whole blob of a registry that ignores ranges, and believes no wrong range', async () => {
  await against(serve(200, { 'content-length': String(blob.size) }, image.layer), async (repository) => {
    const { offset, size, chunks } = await repository.blob(blob, 500, calm)
    assert.deepEqual([offset, size], [0, blob.size])
    assert.equal(Buffer.concat(await Array.fromAsync(chunks)).length, blob.size)
  })
  const last = blob.size - 1
  for (const range of [
    `bytes 0-${last}/${blob.size}`,
    `bytes 500-${last - 1}/${blob.size}`,
    `bytes 500-${last}/${blob.size + 1}`,
    'bytes */5',
    '',
    '500-',
  ])
    await against(serve(206, { 'content-range': range }, image.layer.subarray(500)), async (repository) => {
      await assert.rejects(repository.blob(blob, 500, calm), { code: 'data-loss', reason: 'SIZE_MISMATCH' }, range)
    })
  await against(
    serve(206, { 'content-range': `bytes 500-${last}/*` }, image.layer.subarray(500)),
    async (repository) => {
      assert.ok((await readBlob(repository, blob.digest, blob.size, 500)).equals(image.layer.subarray(500)))
    },
  )
  await against(serve(416, {}), async (repository) => {
    await assert.rejects(repository.blob(blob, 500, calm), { code: 'data-loss' })
  })
})

test('resolves by GET where HEAD tells too little', async () => {
  await against(serve(200, OK, manifestBytes), async (repository, asked) => {
    const found = { mediaType: MEDIA_TYPE.ociManifest, digest: manifestDigest, size: manifestBytes.length }
    assert.deepEqual(await repository.resolve('1', calm), found)
    assert.deepEqual(asked, ['HEAD /v2/a/manifests/1', 'GET /v2/a/manifests/1'])
  })
})

test('shows what registries say without what would do harm', async () => {
  const nasty = 'no\u001b[31m\u202e way\r\nInjected: yes <script> hunter2 '
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: nasty + 'x'.repeat(50_000) }] })
  await using server = await mockRegistry((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    else response.writeHead(403).end(body)
  })
  await using client = testClient()
  const name = { registry: server.address, repository: 'a' }
  await assert.rejects(client.repository(name, { username: 'u', password: 'hunter2' }).manifest('1', calm), (error) => {
    assert.ok(error instanceof Error && 'code' in error)
    assert.equal(error.code, 'permission-denied')
    assert.match(error.message, /DENIED: no \[31m +way Injected: yes <script> \*\*\* x/)
    assert.doesNotMatch(error.message, /hunter2|\p{Cc}|\p{Cf}/u)
    assert.ok(error.message.length < 700)
    return true
  })
})

test('names each refusal by its kind', async () => {
  const kinds: [number, string, string][] = [
    [400, 'invalid-argument', 'REGISTRY_REFUSED'],
    [401, 'unauthenticated', 'REGISTRY_LOGIN_REQUIRED'],
    [403, 'permission-denied', 'REGISTRY_DENIED'],
    [404, 'not-found', 'MANIFEST_NOT_FOUND'],
    [429, 'resource-exhausted', 'REGISTRY_RATE_LIMITED'],
    [500, 'unavailable', 'REGISTRY_UNREACHABLE'],
    [204, 'failed-precondition', 'REGISTRY_ANSWER_INVALID'],
  ]
  for (const [status, code, reason] of kinds)
    await against(serve(status, {}), async (repository) => {
      await assert.rejects(repository.manifest('1', calm), { name: 'CaissonError', code, reason })
    })
})

test('refuses names that are none before it asks anybody', async () => {
  await against(serve(200, OK, manifestBytes), async (repository, asked) => {
    for (const reference of ['../../etc', 'a/b', '', 'sha256:abc', 'a?b', `sha256:${'A'.repeat(64)}`])
      await assert.rejects(repository.manifest(reference, calm), { code: 'invalid-argument' })
    await assert.rejects(repository.blob({ digest: 'sha256:../x' as Digest, size: 1 }, 0, calm), {
      code: 'invalid-argument',
    })
    await assert.rejects(repository.hasBlob('md5:x' as Digest, calm), { code: 'invalid-argument' })
    assert.deepEqual(asked, [])
  })
  await using client = testClient()
  for (const name of ['../x', 'a:tag', 'A', 'a//b', 'a?x=1'])
    assert.throws(() => client.repository({ registry: 'localhost:1', repository: name }), {
      reason: 'REFERENCE_INVALID',
    })
})

test('cancels at once what it waits for', async () => {
  await against(
    () => {},
    async (repository) => {
      const controller = new AbortController()
      const waiting = repository.manifest('1', controller.signal)
      controller.abort()
      await assert.rejects(waiting, { code: 'cancelled' })
    },
  )
  const dripping: Handler = (_request, response) =>
    response.writeHead(200, { 'content-length': String(blob.size) }).write(image.layer.subarray(0, 1000))
  await against(dripping, async (repository) => {
    const controller = new AbortController()
    const { chunks } = await repository.blob(blob, 0, controller.signal)
    await assert.rejects(
      async () => {
        for await (const _ of chunks) controller.abort()
      },
      { code: 'cancelled' },
    )
  })
})

test('lets go of a connection whose answer is not read and does not end', async () => {
  const gone = Promise.withResolvers<void>()
  const stuck: Handler = (_request, response) => {
    response.on('close', () => gone.resolve())
    response.writeHead(404, { 'content-length': '100' }).write('{')
  }
  await against(stuck, async (repository) => {
    assert.equal(await repository.mountBlob(blob.digest, 'b', calm), false)
    await gone.promise
  })
})
