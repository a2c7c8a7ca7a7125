import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel } from '@caisson/api'
import { UpstreamsDefinition } from '@caisson/api/registry'
import { digestOf } from '@caisson/oci'
import type { Client } from '../client.ts'
import { RegistryProcess } from '../registry-process.ts'
import { mockUpstream, sendFrom } from '../upstream/mock-upstream.ts'

const ROUNDS = 5
const PIECE = 100_000
const root = mkdtempSync(join(tmpdir(), 'csn-upstream-kill-'))
after(() => rmSync(root, { recursive: true, force: true }))

const blob = randomBytes(30 * PIECE)
const path = `/v2/hub/app/blobs/${digestOf(blob)}`

async function set(url: string): Promise<void> {
  await using channel = new Channel(`unix://${join(root, 'run/registry.sock')}`)
  await channel.client(UpstreamsDefinition).set({ name: 'upstream.test', url, prefix: 'hub' })
}

/** Bytes that come until the registry is gone. They are the blob's, and never all of it. */
async function readUntilGone(client: Client, progress: (bytes: number) => void): Promise<void> {
  let length = 0
  try {
    for await (const piece of (await client.send('GET', path)).body ?? []) {
      assert.ok(Buffer.from(piece).equals(blob.subarray(length, length + piece.length)), `wrong bytes at ${length}`)
      length += piece.length
      progress(length)
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
  }
  assert.ok(length < blob.length, 'the whole blob came although the registry was killed')
}

test('a download goes on behind a kill -9, wherever it hits, and leaves nothing behind', async () => {
  let isSlow = true
  await using upstream = await mockUpstream(async (request, response) => {
    const bytes = sendFrom(request, response, blob)
    for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE) {
      response.write(bytes.subarray(at, at + PIECE))
      if (isSlow) await sleep(50)
    }
    response.end()
  })
  mkdirSync(join(root, 'etc'))
  const config = { access: 'open', port: 0, web: false }
  writeFileSync(join(root, 'etc/registry.json'), JSON.stringify(config))
  for (let round = 0; round < ROUNDS; round++) {
    await using registry = await RegistryProcess.start(root)
    if (round === 0) await set(upstream.url)
    const further = Promise.withResolvers<void>()
    // Behind what was there before, so that each round brings something.
    const enough = (round + 1) * 3 * PIECE + Math.random() * 2 * PIECE
    const progress = (bytes: number): void => {
      if (bytes >= enough) further.resolve()
    }
    const reading = Promise.all([readUntilGone(registry.client, progress), readUntilGone(registry.client, () => {})])
    await further.promise
    await registry.kill()
    await reading
  }
  isSlow = false
  await using registry = await RegistryProcess.start(root)
  const { status, body } = await registry.client.ask('GET', path)
  assert.equal(status, 200)
  assert.ok(body.equals(blob))
  const ranges = upstream.headers.flatMap(({ range }, index) =>
    upstream.asked[index]?.startsWith('GET') ? [range] : [],
  )
  const begins = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]))
  assert.equal(begins.length, ROUNDS + 1)
  assert.ok(
    begins.every((first, index) => index === 0 || first > (begins[index - 1] ?? 0)),
    begins.join(),
  )
  for (let tried = 0; tried < 100 && readdirSync(join(root, 'registry/downloads')).length > 0; tried++) await sleep(20)
  assert.deepEqual(readdirSync(join(root, 'registry/downloads')), [])
  assert.deepEqual(readdirSync(join(root, 'registry/uploads')), [])
})
