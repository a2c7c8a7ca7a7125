// Blobs that are read while they still arrive in their files.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { tar } from '../../test/tar-writer.ts'
import { LIMITS, openWorkspace, needsRoot as skip } from '../../test/unpacked.ts'
import type { Growth } from './helper-process.ts'

const noise = Buffer.concat(Array.from({ length: 10_000 }, (_, at) => createHash('sha256').update(String(at)).digest()))
const TAR = tar([
  { path: 'noise', content: noise },
  { path: 'name', content: 'a name' },
])
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Appends a blob to a file in pieces of these sizes, the last as often as needed. */
function arrival(path: string, blob: Buffer, sizes: readonly number[]): Growth {
  return async (onGrowth) => {
    for (let at = 0, count = 0; at < blob.length; count++) {
      const size = sizes[Math.min(count, sizes.length - 1)] ?? blob.length
      appendFileSync(path, blob.subarray(at, at + size))
      at += size
      onGrowth()
      await sleep(2)
    }
  }
}

async function follow(growth: (path: string) => Growth, signal?: AbortSignal) {
  using work = openWorkspace()
  const path = join(work.path, 'blob')
  writeFileSync(path, '')
  const fd = openSync(path, 'r')
  try {
    const options = { blob: fd, growth: growth(path), target: work.root, limits: LIMITS, ...(signal && { signal }) }
    const result = await work.unpacker.unpack(options)
    return {
      result,
      name: readFileSync(join(work.root, 'name'), 'utf8'),
      noise: readFileSync(join(work.root, 'noise')),
    }
  } finally {
    closeSync(fd)
  }
}

for (const [kind, blob] of Object.entries({ plain: TAR, gzip: gzipSync(TAR), zstd: zstdCompressSync(TAR) }))
  for (const sizes of [[1, 1, 1, 50_000], [7, 20_011], [blob.length]])
    test(`a ${kind} blob that arrives in pieces of ${sizes} is unpacked as a whole one is`, { skip }, async () => {
      const { result, ...files } = await follow((path) => arrival(path, blob, sizes))
      assert.deepEqual(files, { name: 'a name', noise })
      assert.deepEqual([result.digest, result.diffId], [sha256(blob), sha256(TAR)])
      assert.deepEqual([result.compressedBytes, result.bytes], [blob.length, TAR.length])
    })

test('a blob that ends early is refused as one that is cut off', { skip }, async () => {
  const blob = gzipSync(TAR)
  await assert.rejects(
    follow((path) => arrival(path, blob.subarray(0, blob.length / 2), [40_000])),
    { reason: 'TRUNCATED' },
  )
})

test('an arrival that fails ends the helper and is thrown as it is', { skip }, async () => {
  const gone = new Error('the network is gone')
  await assert.rejects(
    follow((path) => async (onGrowth, signal) => {
      await arrival(path, TAR.subarray(0, 100_000), [50_000])(onGrowth, signal)
      throw gone
    }),
    gone,
  )
})

test('a blob that is refused is not waited for', { skip }, async () => {
  const until = (signal: AbortSignal): Promise<void> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  await assert.rejects(
    follow((path) => async (onGrowth, signal) => {
      appendFileSync(path, 'this is neither a tar nor anything that is compressed'.repeat(100))
      onGrowth()
      await until(signal)
    }),
    { reason: 'INVALID' },
  )
})

test('who gives up does not wait for the rest', { skip }, async () => {
  const signal = AbortSignal.timeout(200)
  await assert.rejects(
    follow(() => (_, gone) => new Promise((_resolve, reject) => gone.addEventListener('abort', reject)), signal),
    { name: 'TimeoutError' },
  )
})
