import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import { digestHex, digestOf } from '@caisson/oci'
import { Client } from '../client.ts'
import { blobOf, startRegistry, type TestRegistry } from '../registry.ts'

const BLOB_BYTES = 32 << 20

/** The body of a GET of which nothing was taken yet but the head. */
async function beginPull(registry: TestRegistry, path: string): Promise<Readable> {
  return await new Promise((resolve, reject) => {
    const asked = request(new URL(path, registry.url), { agent: false }, (response) => {
      assert.equal(response.statusCode, 200)
      resolve(response)
    })
    asked.once('error', reject).end()
  })
}

async function collect(registry: TestRegistry): Promise<string[]> {
  const policy = { graceMs: -1, dryRun: false }
  const removed = await Array.fromAsync(registry.backend.garbage.collect(policy, new AbortController().signal))
  return removed.map(({ digest }) => digest)
}

const REMOVALS: Readonly<Record<string, (client: Client, digest: string, blob: string) => Promise<number>>> = {
  'its link': async (client, _, blob) => (await client.ask('DELETE', `/v2/team/app/blobs/${blob}`)).status,
  'its manifest': async (client, digest) => (await client.ask('DELETE', `/v2/team/app/manifests/${digest}`)).status,
}

for (const streams of [false, true])
  for (const [what, remove] of Object.entries(REMOVALS))
    test(`REG-30: a pull ${streams ? 'through streams ' : ''}ends well though ${what} and then the blob is removed`, async () => {
      await using registry = await startRegistry({ streams })
      const client = new Client(registry.url)
      const blob = blobOf(BLOB_BYTES)
      const digest = digestOf(blob)
      const image = await client.pushImage('team/app', 'v1', blob)
      const path = `/v2/team/app/blobs/${digest}`
      const pulled = await beginPull(registry, path)
      if (what === 'its link') await client.ask('DELETE', `/v2/team/app/manifests/${image.digest}`)
      assert.equal(await remove(client, image.digest, digest), 202)
      assert.ok((await collect(registry)).includes(digest))
      const hex = digestHex(digest)
      assert.ok(!existsSync(join(registry.dir, 'blobs/sha256', hex.slice(0, 2), hex)))
      assert.equal((await client.ask('GET', path)).status, 404)
      const hash = createHash('sha256')
      for await (const piece of pulled) hash.update(piece as Buffer)
      assert.equal(hash.digest('hex'), hex)
    })

test('REG-30: asking for a blob again and again keeps it no longer than the grace after the last time', async () => {
  let now = Date.now()
  await using registry = await startRegistry({ clock: () => now })
  const client = new Client(registry.url)
  const digest = await client.pushBlob('team/app', blobOf(1_000))
  const { garbagePolicy } = registry.service
  const collected = async (): Promise<boolean> => {
    const policy = { ...garbagePolicy, dryRun: false }
    const removed = await Array.fromAsync(registry.backend.garbage.collect(policy, new AbortController().signal))
    return removed.some((one) => one.digest === digest)
  }
  for (let round = 0; round < 3; round++) {
    now += garbagePolicy.graceMs - 1_000
    assert.equal((await client.ask('HEAD', `/v2/team/app/blobs/${digest}`)).status, 200)
    assert.equal(await collected(), false)
  }
  now += garbagePolicy.graceMs + 1_000
  assert.equal(await collected(), true)
})
