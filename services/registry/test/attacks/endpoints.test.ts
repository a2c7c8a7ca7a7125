import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { certificateAuthority } from '@caisson/testkit'
import { Client, sendRaw } from '../client.ts'
import { startRegistry } from '../registry.ts'
import { startWithUsers } from '../registry-users.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-reg-endpoints-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** What each kind of flood of the class repeats: RST_STREAM, SETTINGS, PING and WINDOW_UPDATE of HTTP/2. */
function frame(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(9 + length)
  bytes.writeUIntBE(length, 0, 3)
  bytes.writeUInt8(type, 3)
  return bytes
}

/** Bytes that come back until the other side closes. */
async function flood(url: string, pieces: readonly Buffer[]): Promise<string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve) => {
    let seen = ''
    const socket = connect(Number(port), hostname, () => {
      for (const piece of pieces) socket.write(piece)
    })
    socket.on('data', (piece) => {
      seen += piece.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(seen))
  })
}

test('REG-24: the registry speaks no HTTP/2 in the clear, so there is nothing of it to flood', async () => {
  await using registry = await startRegistry()
  const answer = await sendRaw(registry.url, HTTP2_PREFACE, /never/)
  assert.match(answer, /^(HTTP\/1\.1 400 [\s\S]*)?$/)
  const upgrade = await sendRaw(
    registry.url,
    'GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  )
  assert.match(upgrade, /^HTTP\/1\.1 200 /)
  const floods = [
    [3, 4],
    [4, 0],
    [6, 8],
    [8, 4],
  ].map(([type = 0, length = 0]) => Buffer.concat(Array.from({ length: 10_000 }, () => frame(type, length))))
  const before = process.memoryUsage().rss
  for (const frames of floods) await flood(registry.url, [Buffer.from(HTTP2_PREFACE), frames])
  assert.ok(process.memoryUsage().rss - before < 64 << 20)
  assert.equal((await new Client(registry.url).ask('GET', '/v2/')).status, 200)
})

test('REG-24: the registry offers no HTTP/2 over TLS either', async () => {
  const authority = certificateAuthority(dir)
  const { certFile: certificate, keyFile: key } = authority.issue('registry', ['127.0.0.1'])
  await using registry = await startRegistry({ config: { tls: { certificate, key } } })
  const { hostname, port } = new URL(registry.url)
  const options = { host: hostname, port: Number(port), rejectUnauthorized: false }
  const chosen = await new Promise((resolve, reject) => {
    const socket = connectTls({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
      resolve(socket.alpnProtocol)
      socket.destroy()
    })
    socket.once('error', reject)
  })
  assert.equal(chosen, 'http/1.1')
  await assert.rejects(
    new Promise((resolve, reject) => {
      const session = connectHttp2(registry.url, { rejectUnauthorized: false })
      session.once('error', reject)
      session.once('remoteSettings', resolve)
      session.once('close', () => reject(new Error('closed')))
    }),
  )
})

const INSIDES = [
  '/metrics',
  '/debug',
  '/debug/pprof/',
  '/debug/pprof/heap',
  '/debug/vars',
  '/health',
  '/healthz',
  '/status',
  '/api/v2.0/systeminfo',
  '/v2/_catalog/../../metrics',
  '/v2/metrics',
  '/v2/_debug',
  '/v2/_oci/ext/debug',
  '/proxy',
  '/admin',
  '/config',
  '/config.json',
  '/registry.db',
  '/first-admin-password',
  '/.env',
  '/.well-known/',
  '/documentation',
  '/server-status',
]

test('REG-29: nothing of the insides is served to anybody over HTTP', async () => {
  await using registry = await startWithUsers()
  const client = new Client(registry.url)
  for (const path of INSIDES)
    for (const method of ['GET', 'POST', 'PUT']) {
      const request = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
      const answer = await sendRaw(registry.url, request, /never/)
      assert.match(answer, /^HTTP\/1\.1 (404|401) /, `${method} ${path}`)
      assert.doesNotMatch(answer, /process_|nodejs_|heap|argon2|password=|node_modules/, path)
    }
  for (const path of ['/v2/', '/v2/_catalog', '/v2/_oci/ext/discover', '/v2/team/app/tags/list', '/ui/'])
    assert.equal((await client.ask('GET', path)).status, 401, path)
  for (const method of ['TRACE', 'CONNECT', 'PROPFIND']) {
    const request = `${method} /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    assert.doesNotMatch(await sendRaw(registry.url, request, /never/), /^HTTP\/1\.1 2/, method)
  }
})
