import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { Client } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'

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
      // Long enough for the registry to lose its patience.
      setTimeout(() => socket.resume(), 5_000)
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve({ ms: performance.now() - begun, bytes }))
  })
}

for (const streams of [false, true]) {
  const way = streams ? 'through streams' : 'from the file'
  test(`gives up a client that takes nothing of a blob that is sent ${way}`, async () => {
    await using registry = await startRegistry({ streams, config: { idleSeconds: 2 } })
    const client = new Client(registry.url)
    const blob = blobOf(32 << 20)
    const digest = await client.pushBlob('slow', blob)
    const request = `GET /v2/slow/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`
    const { bytes, ms } = await patience(registry.url, request, true)
    assert.ok(bytes < blob.length, `${bytes} bytes came in ${ms} ms`)
    assert.deepEqual((await client.ask('GET', `/v2/slow/blobs/${digest}`)).body, blob)
  })
}

test('gives up a client that does not go on with its request, and keeps what it sent', async () => {
  await using registry = await startRegistry({ config: { idleSeconds: 2 } })
  const client = new Client(registry.url)
  const location = await client.begin('slow')
  const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`
  const { ms } = await patience(registry.url, `${head}abc`)
  assert.ok(ms > 1_900 && ms < 10_000, `${ms} ms`)
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
