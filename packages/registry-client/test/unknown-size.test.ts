import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsDockerRegistry, startDockerRegistry } from '@caisson/testkit'
import type { Repository } from '../src/index.ts'
import { calm, putBytes, smallImage } from './image.ts'
import { type Handler, mockRegistry, testClient } from './mock-registry.ts'

const skip = needsDockerRegistry()
const { layer, layerDigest: digest } = smallImage(100_000)

async function read(repository: Repository, offset: number): Promise<[number, number | undefined, Buffer]> {
  const stream = await repository.blob({ digest }, offset, calm)
  return [stream.offset, stream.size, Buffer.concat(await Array.fromAsync(stream.chunks))]
}

async function against(handler: Handler, use: (repository: Repository) => Promise<void>): Promise<void> {
  await using server = await mockRegistry(handler)
  await using client = testClient()
  await use(client.repository({ registry: server.address, repository: 'a' }))
}

test('tells the size of a blob, and reads one whose size is not known, from anywhere', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = testClient()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  assert.equal(await repository.statBlob(digest, calm), undefined)
  await putBytes(repository, layer)
  assert.deepEqual(await repository.statBlob(digest, calm), { size: layer.length })
  assert.deepEqual(await read(repository, 0), [0, layer.length, layer])
  assert.deepEqual(await read(repository, 60_000), [60_000, layer.length, layer.subarray(60_000)])
})

test('reads to the end what has no length', async () => {
  await against(
    (_request, response) => {
      response.write(layer.subarray(0, 10))
      response.end(layer.subarray(10))
    },
    async (repository) => {
      assert.deepEqual(await repository.statBlob(digest, calm), { size: undefined })
      assert.deepEqual(await read(repository, 0), [0, undefined, layer])
      // An answer 200 is the whole, whatever was asked for.
      assert.deepEqual(await read(repository, 50_000), [0, undefined, layer])
    },
  )
})

test('believes no other range than was asked for', async () => {
  for (const range of ['bytes 0-9/10', 'bytes 5-8/10', 'bytes 5-9/*', 'nonsense'])
    await against(
      (_request, response) => response.writeHead(206, { 'content-range': range }).end('12345'),
      async (repository) => {
        await assert.rejects(repository.blob({ digest }, 5, calm), { reason: 'SIZE_MISMATCH' }, range)
      },
    )
})

test('tells an end that comes too early', async () => {
  await against(
    (_request, response) => {
      response.writeHead(200, { 'content-length': layer.length }).write(layer.subarray(0, 1_000))
      setTimeout(() => response.destroy(), 20)
    },
    async (repository) => {
      await assert.rejects(read(repository, 0), { code: 'unavailable' })
    },
  )
})
