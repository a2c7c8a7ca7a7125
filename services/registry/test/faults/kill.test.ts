import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '@caisson/oci'
import type { Client } from '../client.ts'
import { RegistryProcess } from '../registry-process.ts'

const ROUNDS = 8
const CHUNK = 256 << 10
const root = mkdtempSync(join(tmpdir(), 'csn-kill-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** What the registry has said 201 to. */
const tags = new Map<string, string>()

/** Pushes images until the registry is gone; remembers what was acknowledged. */
async function push(client: Client, round: number): Promise<void> {
  for (let number = 0; ; number++) {
    const tag = `r${round}-${number}`
    try {
      const image = await client.imageOf('team/app', randomBytes(40_000))
      const { status } = await client.pushManifest('team/app', tag, image)
      if (status === 201) tags.set(tag, digestOf(image.bytes))
    } catch {
      // The connection broke: nothing was promised.
      return
    }
  }
}

/** An upload that goes on from round to round, however the registry ends. */
class LongUpload {
  readonly bytes = randomBytes(6 * CHUNK)
  #location = ''
  /** What was acknowledged. */
  offset = 0

  async goOn(client: Client): Promise<void> {
    try {
      await this.#untilCut(client)
    } catch (error) {
      // The connection broke: nothing was promised. Anything else is a fault.
      if (!(error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message))) throw error
    }
  }

  async #untilCut(client: Client): Promise<void> {
    if (this.#location === '') this.#location = await client.begin('team/long')
    const state = await client.ask('GET', this.#location)
    assert.equal(state.status, 204, 'the upload is still known')
    const stands = Number(/^0-(\d+)$/.exec(state.headers.get('range') ?? '')?.[1] ?? -1) + 1
    assert.ok(stands >= this.offset || (stands <= 1 && this.offset === 0), `${stands} of ${this.offset} acknowledged`)
    let at = stands <= 1 ? this.offset : stands
    while (at < this.bytes.length - CHUNK) {
      const chunk = this.bytes.subarray(at, at + CHUNK)
      const headers = { 'content-range': `${at}-${at + chunk.length - 1}`, 'content-length': String(chunk.length) }
      const { status, headers: answered } = await client.ask('PATCH', this.#location, {
        headers,
        body: Buffer.from(chunk),
      })
      if (status !== 202) throw new Error(`PATCH answered ${status}`)
      this.#location = answered.get('location') ?? this.#location
      at += chunk.length
      this.offset = at
      await sleep(30)
    }
  }

  async finish(client: Client): Promise<void> {
    const digest = digestOf(this.bytes)
    const state = await client.ask('GET', this.#location)
    const stands = Number(/^0-(\d+)$/.exec(state.headers.get('range') ?? '')?.[1] ?? -1) + 1
    const rest = Buffer.from(this.bytes.subarray(stands))
    const { status } = await client.ask(
      'PUT',
      `${this.#location}${this.#location.includes('?') ? '&' : '?'}digest=${digest}`,
      { body: rest },
    )
    assert.equal(status, 201)
    const blob = await client.ask('GET', `/v2/team/long/blobs/${digest}`)
    assert.equal(digestOf(blob.body), digest)
  }
}

async function verify(client: Client): Promise<void> {
  for (const [tag, digest] of tags) {
    const manifest = await client.ask('GET', `/v2/team/app/manifests/${tag}`)
    assert.deepEqual([manifest.status, digestOf(manifest.body)], [200, digest], tag)
    const { config, layers } = JSON.parse(manifest.body.toString()) as {
      config: { digest: string }
      layers: { digest: string }[]
    }
    for (const { digest: blob } of [config, ...layers]) {
      const { status, body } = await client.ask('GET', `/v2/team/app/blobs/${blob}`)
      assert.deepEqual([status, digestOf(body)], [200, blob], tag)
    }
  }
}

test('keeps what it has acknowledged, and goes on with uploads, wherever it is killed', async () => {
  mkdirSync(join(root, 'etc'))
  // Garbage is collected all the time, and everything that no manifest names is garbage at once.
  const config = { access: 'open', port: 0, web: false, garbage: { everyHours: 0.00003, graceHours: 0.0003 } }
  writeFileSync(join(root, 'etc/registry.json'), JSON.stringify(config))
  const upload = new LongUpload()
  for (let round = 0; round < ROUNDS; round++) {
    await using registry = await RegistryProcess.start(root)
    const { client } = registry
    await verify(client)
    const working = Promise.all([push(client, round), push(client, round + 100), upload.goOn(client)])
    working.catch(() => {})
    await sleep(100 + Math.random() * 400)
    await registry.kill()
    await working
  }
  await using registry = await RegistryProcess.start(root)
  await verify(registry.client)
  await upload.finish(registry.client)
  assert.ok(tags.size > ROUNDS, `only ${tags.size} images were pushed`)
})
