import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf, MAX_MANIFEST_BYTES, MEDIA_TYPE } from '@caisson/oci'
import { Client, descriptorOf, manifestOf, sendAndCut, sendRaw } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'

const { registry, client } = await sharedRegistry()

test('REG-01: an upload with a wrong digest is refused and gone', async () => {
  const blob = blobOf(1_000)
  const location = await client.begin('reg/one')
  await client.ask('PATCH', location, { body: blob })
  const { status, code } = await client.ask('PUT', `${location}?digest=${digestOf('other')}`)
  assert.deepEqual([status, code], [400, 'DIGEST_INVALID'])
  assert.equal((await client.ask('GET', location)).status, 404)
  for (const digest of [digestOf(blob), digestOf('other')])
    assert.equal((await client.ask('GET', `/v2/reg/one/blobs/${digest}`)).status, 404)
  assert.deepEqual(readdirSync(join(registry.dir, 'uploads')), [])
})

test('REG-01: a finish without digest, or with one that is none, leaves the upload as it is', async () => {
  const location = await client.begin('reg/one')
  for (const query of ['', '?digest=', '?digest=sha256:zz', '?digest=..%2f..%2fetc']) {
    const { status, code } = await client.ask('PUT', `${location}${query}`)
    assert.deepEqual([status, code], [400, 'DIGEST_INVALID'], query)
  }
  assert.equal((await client.ask('GET', location)).status, 204)
})

test('REG-02: a manifest that names what is not there is refused and not stored', async () => {
  const image = await client.imageOf('reg/two', blobOf(10))
  const absent = { ...descriptorOf(Buffer.from('absent'), MEDIA_TYPE.ociLayer) }
  const lacking = manifestOf({ ...JSON.parse(image.bytes.toString()), layers: [absent] })
  const index = manifestOf({ manifests: [{ ...absent, mediaType: MEDIA_TYPE.ociManifest }] }, MEDIA_TYPE.ociIndex)
  for (const manifest of [lacking, index]) {
    const { status, code, body } = await client.pushManifest('reg/two', 'v1', manifest)
    assert.deepEqual([status, code], [404, 'MANIFEST_BLOB_UNKNOWN'])
    assert.match(body.toString(), new RegExp(absent.digest))
    assert.equal((await client.ask('GET', `/v2/reg/two/manifests/${manifest.digest}`)).status, 404)
  }
  assert.equal((await client.ask('GET', '/v2/reg/two/manifests/v1')).status, 404)
})

test('REG-03: chunks that lie about their length are refused, and the upload stays where it was', async () => {
  const location = await client.begin('reg/three')
  await client.ask('PATCH', location, { headers: { 'content-range': '0-9' }, body: '0123456789' })
  const lies: readonly (readonly [range: string, body: string, status: number])[] = [
    ['10-19', 'short', 400],
    ['10-11', 'longer', 400],
    ['5-14', '0123456789', 416],
    ['20-29', '0123456789', 416],
    ['19-10', '0123456789', 400],
    ['bytes 10-19/20', '0123456789', 400],
    ['x', '0123456789', 400],
    ['99999999999999999999-99999999999999999999', 'x', 400],
  ]
  for (const [range, body, expected] of lies) {
    const { status, code } = await client.ask('PATCH', location, { headers: { 'content-range': range }, body })
    assert.equal(status, expected, range)
    assert.match(code, /SIZE_INVALID|BLOB_UPLOAD_INVALID/)
    assert.equal((await client.ask('GET', location)).headers.get('range'), '0-9')
  }
  const finish = await client.ask('PUT', `${location}?digest=${digestOf('0123456789')}`)
  assert.equal(finish.status, 201)
})

test('REG-03: a chunk with a range whose chunked body is longer or shorter is not kept', async () => {
  const location = await client.begin('reg/three')
  for (const body of ['3\r\nabc\r\n0\r\n\r\n', '6\r\nabcdef\r\n0\r\n\r\n']) {
    const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Range: 0-4\r\nTransfer-Encoding: chunked\r\n\r\n`
    assert.match(await sendRaw(registry.url, head + body), /^HTTP\/1\.1 400 /)
    assert.equal((await client.ask('GET', location)).headers.get('range'), '0-0')
  }
})

test('REG-03: a connection that is cut leaves the upload where it can go on', async () => {
  const blob = blobOf(200_000)
  const location = await client.begin('reg/three')
  const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n`
  await sendAndCut(registry.url, Buffer.concat([Buffer.from(head), blob.subarray(0, 100_000)]))
  let offset = 0
  for (let tries = 0; tries < 100; tries++) {
    const { headers } = await client.ask('GET', location)
    const end = Number(headers.get('range')?.split('-')[1])
    offset = end === 0 ? 0 : end + 1
    const rest = await client.ask('PATCH', location, {
      headers: { 'content-range': `${offset}-199999` },
      body: blob.subarray(offset),
    })
    if (rest.status === 202) break
  }
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf(blob)}`)).status, 201)
})

/** A manifest of exactly so many bytes. */
function padded(length: number) {
  const config = Buffer.from('{}')
  const members = (padding: string) => ({
    config: descriptorOf(config, MEDIA_TYPE.ociConfig),
    layers: [],
    annotations: { padding },
  })
  const frame = manifestOf(members('')).bytes.length
  return { config, manifest: manifestOf(members('x'.repeat(length - frame))) }
}

test('REG-04: a manifest may have 4 MiB and not a byte more', async () => {
  const { config, manifest } = padded(MAX_MANIFEST_BYTES)
  assert.equal(manifest.bytes.length, MAX_MANIFEST_BYTES)
  await client.pushBlob('reg/four', config)
  assert.equal((await client.pushManifest('reg/four', 'exact', manifest)).status, 201)
  assert.deepEqual((await client.ask('GET', '/v2/reg/four/manifests/exact')).body, manifest.bytes)
  const larger = padded(MAX_MANIFEST_BYTES + 1).manifest
  const { status, code } = await client.pushManifest('reg/four', 'larger', larger)
  assert.deepEqual([status, code], [413, 'MANIFEST_INVALID'])
})

test('REG-04: a manifest without end is refused before more than 4 MiB of it are held', async () => {
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      sent += 65_536
      if (sent > 256 << 20) controller.close()
      else controller.enqueue(Buffer.alloc(65_536, 'x'))
    },
  })
  const before = process.memoryUsage().rss
  const answer = await client.send('PUT', '/v2/reg/four/manifests/endless', { body, duplex: 'half' }).then(
    ({ status }) => status,
    // The client still sends when the connection is closed.
    () => 413,
  )
  assert.equal(answer, 413)
  assert.ok(sent < 64 << 20, `${sent} bytes were taken`)
  assert.ok(process.memoryUsage().rss - before < 128 << 20)
})

test('REG-05: names, tags and paths that lead elsewhere are refused, and nothing is touched', async () => {
  const before = readdirSync(registry.dir, { recursive: true }).length
  const names = [
    '..',
    '../../etc',
    'a/../b',
    '%2e%2e',
    'a%2fb',
    'a%252fb',
    '_uploads',
    'UPPER',
    'a//b',
    '/a',
    'a/',
    'a'.repeat(300),
    'a%00b',
    'a\\b',
    'a..b',
    'a___b',
    '-a',
    'a b'.replace(' ', '%20'),
    '%zz',
    'é'.normalize(),
  ]
  for (const name of names) {
    const path = `/v2/${Buffer.from(name).toString('latin1')}`
    for (const [method, rest] of [
      ['GET', 'manifests/latest'],
      ['PUT', 'manifests/latest'],
      ['GET', `blobs/${digestOf('x')}`],
      ['POST', 'blobs/uploads/'],
      ['GET', 'tags/list'],
    ]) {
      const request = `${method} ${path}/${rest} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
      const answer = await sendRaw(registry.url, Buffer.from(request, 'latin1'), /never/)
      assert.match(answer, /^HTTP\/1\.1 40[04] /, `${method} ${name}`)
    }
  }
  assert.equal(readdirSync(registry.dir, { recursive: true }).length, before)
})

test('REG-05: tags and upload ids that lead elsewhere are refused', async () => {
  for (const tag of ['..%2f..%2fx', '.hidden', '-x', 'a%00', 'a'.repeat(129), '%2e%2e']) {
    const answer = await client.ask('PUT', `/v2/reg/five/manifests/${tag}`, { body: '{}' })
    assert.ok([400, 404].includes(answer.status), `${tag}: ${answer.status}`)
  }
  for (const id of ['..', '..%2f..%2fregistry.db', '%2e%2e', 'x'.repeat(500), '00000000-0000-0000-0000-000000000000']) {
    const request = `PATCH /v2/reg/five/blobs/uploads/${id} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`
    assert.match(await sendRaw(registry.url, request, /never/), /^HTTP\/1\.1 404 /, id)
  }
})

test('REG-08: a blob is seen only where it is linked, and not a moment longer', async () => {
  const blob = blobOf(100_000)
  const digest = await client.pushBlob('reg/eight', blob)
  await client.pushBlob('reg/keeper', blob)
  assert.equal((await client.ask('GET', `/v2/reg/stranger/blobs/${digest}`)).status, 404)
  assert.equal((await client.ask('HEAD', `/v2/reg/stranger/blobs/${digest}`)).status, 404)
  for (let round = 0; round < 20; round++) {
    assert.equal((await client.ask('GET', `/v2/reg/eight/blobs/${digest}`)).status, 200)
    assert.equal((await client.ask('DELETE', `/v2/reg/eight/blobs/${digest}`)).status, 202)
    assert.equal((await client.ask('HEAD', `/v2/reg/eight/blobs/${digest}`)).status, 404)
    assert.equal((await client.ask('GET', `/v2/reg/eight/blobs/${digest}`)).status, 404)
    const mount = `/v2/reg/eight/blobs/uploads/?mount=${digest}&from=reg/keeper`
    assert.equal((await client.ask('POST', mount)).status, 201)
  }
})

test('REG-09: nothing is removed where deletes are off, by any of the three ways', async () => {
  await using closed = await startRegistry({ config: { policy: {} } })
  const other = new Client(closed.url)
  const layer = blobOf(10)
  const image = await other.pushImage('reg/nine', 'v1', layer)
  for (const path of ['manifests/v1', `manifests/${image.digest}`, `blobs/${digestOf(layer)}`]) {
    const { status, code } = await other.ask('DELETE', `/v2/reg/nine/${path}`)
    assert.deepEqual([status, code], [405, 'UNSUPPORTED'], path)
    assert.equal((await other.ask('GET', `/v2/reg/nine/${path}`)).status, 200)
  }
})

test('REG-10: a tag that never moves can be pushed again with the same, and with nothing else', async () => {
  await using frozen = await startRegistry({ config: { policy: { immutableTags: ['v*'] } } })
  const other = new Client(frozen.url)
  const image = await other.pushImage('reg/ten', 'v1', blobOf(10))
  assert.equal((await other.pushManifest('reg/ten', 'v1', image)).status, 201)
  const wanted = await other.imageOf('reg/ten', blobOf(10))
  const { status, code } = await other.pushManifest('reg/ten', 'v1', wanted)
  assert.deepEqual([status, code], [409, 'DENIED'])
  assert.equal((await other.pushManifest('reg/ten', `${wanted.digest}?tag=v1`, wanted)).status, 409)
  assert.equal((await other.pushManifest('reg/ten', 'latest', wanted)).status, 201)
  assert.deepEqual((await other.ask('GET', '/v2/reg/ten/manifests/v1')).body, image.bytes)
})

test('REG-20: many referrers come by pages of at most 4 MiB', async () => {
  const config = Buffer.from('{}')
  await client.pushBlob('reg/twenty', config)
  const subject = digestOf('popular')
  const text = 'x'.repeat(900_000)
  for (let n = 0; n < 12; n++) {
    const referrer = manifestOf({
      config: descriptorOf(config, 'a/b'),
      layers: [],
      subject: { mediaType: MEDIA_TYPE.ociManifest, digest: subject, size: 1 },
      annotations: { n: String(n), text },
    })
    assert.equal((await client.pushManifest('reg/twenty', referrer.digest, referrer)).status, 201)
  }
  const seen = new Set<string>()
  for (let path = `/v2/reg/twenty/referrers/${subject}`; path !== ''; ) {
    const { body, headers } = await client.ask('GET', path)
    assert.ok(body.length <= 4 << 20, `${body.length} bytes`)
    for (const { digest } of (JSON.parse(body.toString()) as { manifests: { digest: string }[] }).manifests)
      seen.add(digest)
    path = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? ''
  }
  assert.equal(seen.size, 12)
})

test('REG-25: no answer can be sniffed, read by other origins, or carries what was asked unescaped', async () => {
  const evil = '"><script>alert(1)</script>'
  for (const path of [`/v2/${encodeURIComponent(evil)}/tags/list`, '/v2/', '/v2/a/manifests/x', '/nowhere']) {
    const { headers, body } = await client.ask('GET', path, { headers: { origin: 'https://evil.example' } })
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('access-control-allow-origin'), null)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.doesNotThrow(() => JSON.parse(body.toString()))
  }
})

test('REG-27: uploads that go on together do not bring in more than the quota and a chunk', async () => {
  await using small = await startRegistry({ config: { policy: { quotaBytes: 1_000_000 } } })
  const other = new Client(small.url)
  const pushes = Array.from({ length: 8 }, async () => {
    const blob = blobOf(300_000)
    const location = await other.begin('reg/quota')
    const chunk = await other.ask('PATCH', location, { body: blob })
    if (chunk.status !== 202) return chunk
    return await other.ask('PUT', `${location}?digest=${digestOf(blob)}`)
  })
  const answers = await Promise.all(pushes)
  const stored = answers.filter(({ status }) => status === 201).length
  assert.ok(stored <= 3, `${stored} blobs of 300,000 bytes are stored`)
  for (const { status, code } of answers.filter((answer) => answer.status !== 201))
    assert.deepEqual([status, code], [403, 'DENIED'])
  assert.ok((await small.backend.records.usage('*')) <= 1_000_000)
})
