import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { parseRepositoryName } from '../../src/distribution/names.ts'
import { Client } from '../client.ts'
import { blobOf, startRegistry, type TestRegistry } from '../registry.ts'

const IDLE_MS = 400
/** Long enough for the registry to lose its patience. */
const PAUSE_MS = 4 * IDLE_MS
/** More than the sockets of both sides hold. */
const BLOB_BYTES = 24 << 20
const config = { idleSeconds: IDLE_MS / 1_000 }

/** Milliseconds until the other side closes, and the bytes that came. */
async function patience(url: string, text: string, pause = false): Promise<{ ms: number; bytes: number }> {
  const { hostname, port } = new URL(url)
  const begun = performance.now()
  return await new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let bytes = 0
    socket.on('data', (piece) => {
      bytes += piece.length
      if (!pause || bytes > piece.length) return
      socket.pause()
      setTimeout(() => socket.resume(), PAUSE_MS)
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve({ ms: performance.now() - begun, bytes }))
  })
}

/** Puts a blob in place without a connection, which so little patience might cut. */
async function keep({ backend }: TestRegistry, blob: Buffer): Promise<string> {
  const repository = parseRepositoryName('slow')
  const { id } = await backend.uploads.create(repository, 'sha256')
  // What it takes over is no longer ours.
  await backend.uploads.append(repository, id, {}, Readable.from([Buffer.from(blob)]), new AbortController().signal)
  return (await backend.uploads.finish(repository, id, digestOf(blob))).digest
}

for (const streams of [false, true]) {
  const way = streams ? 'through streams' : 'from the file'
  test(`gives up a client that takes nothing of a blob that is sent ${way}`, async () => {
    await using registry = await startRegistry({ streams, config })
    const blob = blobOf(BLOB_BYTES)
    const digest = await keep(registry, blob)
    const request = `GET /v2/slow/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`
    const { bytes, ms } = await patience(registry.url, request, true)
    assert.ok(bytes < blob.length, `${bytes} bytes came in ${ms} ms`)
    const whole = await new Client(registry.url).ask('GET', `/v2/slow/blobs/${digest}`)
    assert.ok(whole.body.equals(blob))
  })
}

test('gives up a client that does not go on with its request, and keeps what it sent', async () => {
  await using registry = await startRegistry({ config })
  const client = new Client(registry.url)
  const location = await client.begin('slow')
  const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`
  const { ms } = await patience(registry.url, `${head}abc`)
  assert.ok(ms > 0.9 * IDLE_MS && ms < 20 * IDLE_MS, `${ms} ms`)
  let status = 0
  for (let tries = 0; tries < 50 && status !== 202; tries++) {
    const range = (await client.ask('GET', location)).headers.get('range')
    assert.ok(range === '0-2' || range === '0-0', String(range))
    ;({ status } = await client.ask('PATCH', location, {
      body: range === '0-2' ? 'def' : 'abcdef',
      headers: { 'content-range': range === '0-2' ? '3-5' : '0-5' },
    }))
  }
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf('abcdef')}`)).status, 201)
})
