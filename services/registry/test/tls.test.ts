import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { digestOf } from '@caisson/oci'
import { createLogger, type Logger } from '@caisson/service-kit'
import { certificateAuthority } from '@caisson/testkit'
import { configSchema } from '../src/config.ts'
import { sendRaw } from './client.ts'
import { startRegistry } from './registry.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-reg-tls-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const authority = certificateAuthority(dir)
const [first, second] = ['first', 'second'].map((name) => authority.issue(name, ['127.0.0.1', 'localhost']))
const ca = readFileSync(authority.certFile)
const LOOK_MS = 20

/** A registry whose certificate the test renews. */
async function start() {
  assert.ok(first && second)
  const files = { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') }
  const put = ({ certFile, keyFile }: typeof first) => {
    copyFileSync(certFile, files.certificate)
    copyFileSync(keyFile, files.key)
  }
  put(first)
  const said: string[] = []
  const note = (_: unknown, message: string): void => void said.push(message)
  const log: Logger = Object.assign(createLogger('registry', 'silent'), { info: note, warn: note })
  const registry = await startRegistry({ config: { tls: files }, log, lookAtCertificateEveryMs: LOOK_MS })
  const says = async (pattern: RegExp): Promise<void> => {
    for (let tries = 0; !said.some((message) => pattern.test(message)); tries++) {
      assert.ok(tries < 500, `nothing like ${pattern} was logged: ${said}`)
      await sleep(LOOK_MS)
    }
  }
  return { registry, files, put, said, says, first, second }
}

/** A connection that is let in, or the code of the error. */
async function shake(url: string, options: ConnectionOptions = {}): Promise<TLSSocket | string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), ca, ...options }, () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function nameShown(url: string): Promise<string> {
  const socket = await shake(url)
  assert.ok(typeof socket !== 'string', String(socket))
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

async function ask(agent: Agent, url: string): Promise<{ status: number | undefined; from: string; port: unknown }> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { agent }, (response) => {
      const socket = response.socket as TLSSocket
      const from = String(socket.getPeerCertificate().subject.CN)
      const { localPort: port } = socket
      buffer(response).then(() => resolve({ status: response.statusCode, from, port }), reject)
    })
    asked.once('error', reject).end()
  })
}

test('a renewed certificate is shown to new connections, and open ones go on', async () => {
  const { registry, put, says, second } = await start()
  await using _ = registry
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
  const before = await ask(agent, `${registry.url}/v2/`)
  assert.deepEqual([before.status, before.from], [200, 'first'])
  put(second)
  await says(/is renewed/)
  assert.equal(await nameShown(registry.url), 'second')
  const after = await ask(agent, `${registry.url}/v2/`)
  assert.deepEqual(after, before, 'it is the very connection')
  agent.destroy()
})

test('a certificate that cannot be used is told, and the former stays until there is a right one', async () => {
  const { registry, files, put, said, says, second } = await start()
  await using _ = registry
  for (const broken of [
    () => writeFileSync(files.certificate, 'no certificate'),
    () => copyFileSync(second.certFile, files.certificate),
    () => writeFileSync(files.key, ''),
    () => rmSync(files.key),
  ]) {
    said.length = 0
    broken()
    await says(/cannot be used/)
    assert.equal(await nameShown(registry.url), 'first')
    assert.ok(!said.some((message) => /is renewed/.test(message)))
  }
  put(second)
  await says(/is renewed/)
  assert.equal(await nameShown(registry.url), 'second')
})

test('a registry does not start with a key that is not the one of its certificate', async () => {
  assert.ok(first && second)
  const tls = { certificate: first.certFile, key: second.keyFile }
  await assert.rejects(startRegistry({ config: { tls } }), { reason: 'INVALID_CONFIG' })
  await assert.rejects(startRegistry({ config: { tls: { ...tls, key: join(dir, 'none') } } }), { code: 'ENOENT' })
})

test('takes TLS 1.2 and 1.3 and nothing older, before and after a renewal', async () => {
  const { registry, put, says, second } = await start()
  await using _ = registry
  const old = { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1' } as const
  const check = async (): Promise<void> => {
    for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const)
      assert.equal(
        await shake(registry.url, { ...old, maxVersion }),
        'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
        `${maxVersion} is refused`,
      )
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake(registry.url, { minVersion: version, maxVersion: version })
      assert.ok(typeof socket !== 'string', `${version}: ${socket}`)
      assert.equal(socket.getProtocol(), version)
      socket.destroy()
    }
  }
  await check()
  put(second)
  await says(/is renewed/)
  await check()
})

test('speaks no plain HTTP where it speaks TLS', async () => {
  const { registry } = await start()
  await using _ = registry
  const answer = await sendRaw(registry.url, 'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n', /never/).catch(String)
  assert.doesNotMatch(answer, /HTTP\/1\.1|errors|registry/)
})

test('sends large blobs through the encryption, whatever a proxy says of the way to it', async () => {
  assert.ok(first)
  const config = { tls: { certificate: first.certFile, key: first.keyFile }, trustedProxies: ['127.0.0.1'] }
  await using registry = await startRegistry({ config })
  const blob = randomBytes(2 << 20)
  const url = `${registry.url}/v2/team/app/blobs`
  const agent = new Agent({ ca })
  const send = async (method: string, path: string, body?: Buffer) =>
    await new Promise<{ status: number; location: string; body: Buffer }>((resolve, reject) => {
      const headers = { 'x-forwarded-proto': 'http', ...(body && { 'content-length': body.length }) }
      const asked = request(new URL(path, url), { method, agent, headers }, (response) => {
        const { statusCode: status = 0, headers: answered } = response
        buffer(response).then((got) => resolve({ status, location: answered.location ?? '', body: got }), reject)
      })
      asked.once('error', reject).end(body)
    })
  const digest = digestOf(blob)
  const pushed = await send('POST', `/v2/team/app/blobs/uploads/?digest=${digest}`, blob)
  assert.equal(pushed.status, 201)
  const pulled = await send('GET', `/v2/team/app/blobs/${digest}`)
  assert.equal(pulled.status, 200)
  assert.ok(pulled.body.equals(blob))
  agent.destroy()
})

test('plain HTTP is for loopback addresses alone, unless it is asked for', () => {
  const tls = { certificate: 'a', key: 'b' }
  const isTaken = (config: object): boolean => configSchema.safeParse(config).success
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assert.ok(isTaken({ host }), host)
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'registry.example', '127.evil.example', '::ffff:192.0.2.1']) {
    const refused = configSchema.safeParse({ host })
    assert.match(refused.error?.issues[0]?.message ?? '', /plain HTTP is for a loopback address only/, host)
    assert.ok(isTaken({ host, tls }), host)
    assert.ok(isTaken({ host, insecure: true }), host)
    assert.ok(!isTaken({ host, tls, insecure: true, access: 'open' }), `${host} is open to nobody`)
  }
})
