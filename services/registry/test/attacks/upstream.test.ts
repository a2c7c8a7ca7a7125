import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { certificateAuthority, needsDockerRegistry, startDockerRegistry, tokenServer } from '@caisson/testkit'
import type { UpstreamRequest } from '../../src/upstream/checked-upstream.ts'
import { Client, manifestOf } from '../client.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '../registry.ts'
import { basic, grant, PASSWORD, startWithUsers } from '../registry-users.ts'
import { setUpstream } from '../upstream/mirror.ts'
import { type Handler, mockUpstream, sendFrom } from '../upstream/mock-upstream.ts'

const skip = needsDockerRegistry()
const secret = { username: 'ann', password: 'the password of ann' }
const blob = randomBytes(100_000)
const digest = digestOf(blob)

/** What a client gets to hear for a manifest and a blob of an upstream. */
async function answersOf(registry: TestRegistry): Promise<string[]> {
  const client = new Client(registry.url)
  const answers = await Promise.all(
    [`manifests/1`, `blobs/${digest}`].map((path) => client.ask('GET', `/v2/hub/app/${path}`)),
  )
  return answers.map(({ status, code }) => `${status} ${code}`)
}

async function mirrorOf(
  url: string,
  settings: Partial<UpstreamRequest> = {},
  options: TestRegistryOptions = {},
): Promise<TestRegistry> {
  const registry = await startRegistry(options)
  await setUpstream(registry, url, settings)
  return registry
}

const challenge = (realm: string) => (response: ServerResponse) =>
  response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end()
const POLICY = ['502 POLICY', '502 POLICY']

test('REG-15: a realm elsewhere gets no credentials', async () => {
  await using thief = await mockUpstream((_request, response) => response.end('{"token":"x"}'))
  let realm = ''
  await using upstream = await mockUpstream((_request, response) => challenge(realm)(response))
  await using registry = await mirrorOf(upstream.url, secret)
  const port = thief.address.split(':')[1]
  for (realm of [
    `${thief.url}/token`,
    `http://localhost:${port}/token`,
    `http://127.0.0.1:${port}@${thief.address}/token`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'nonsense',
  ])
    assert.deepEqual(await answersOf(registry), POLICY, realm)
  assert.deepEqual(thief.asked, [])
  assert.ok(upstream.headers.every(({ authorization }) => authorization === undefined))
})

test('REG-15: another host of the same domain is elsewhere too, until it is listed', async () => {
  await using tokens = await mockUpstream((_request, response) => response.end('{"token":"t"}'))
  const [, tokenPort] = tokens.address.split(':')
  const realm = `http://auth.upstream.test:${tokenPort}/token`
  await using upstream = await mockUpstream((request, response) => {
    if (request.headers.authorization !== 'Bearer t') challenge(realm)(response)
    else if (request.url?.includes('blobs')) response.end(sendFrom(request, response, blob))
    else response.writeHead(404).end()
  })
  const url = upstream.url.replace('127.0.0.1', 'registry.upstream.test')
  const resolver = async () => [{ address: '127.0.0.1', family: 4 }]
  const settings = { ...secret, insecure: true, privateNetwork: true }
  await using registry = await mirrorOf(url, settings, { resolver })
  assert.deepEqual(await answersOf(registry), POLICY)
  assert.deepEqual(tokens.asked, [])
  await setUpstream(registry, url, { ...settings, tokenHosts: [`auth.upstream.test:${tokenPort}`] })
  assert.deepEqual(await answersOf(registry), ['404 MANIFEST_UNKNOWN', '200 '])
  const sent = tokens.headers.map(({ authorization }) => authorization)
  assert.deepEqual([...new Set(sent)], [basic(secret.username, secret.password)['authorization']])
})

test('REG-15: without credentials too nobody is sent to the metadata of the machine', async () => {
  await using upstream = await mockUpstream((_request, response) =>
    challenge('http://169.254.169.254/latest/meta-data')(response),
  )
  await using registry = await mirrorOf(upstream.url)
  assert.deepEqual(await answersOf(registry), POLICY)
})

test('REG-15: a token server of the registry works when it is listed', { skip }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-upstream-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const ca = certificateAuthority(dir)
  const certificate = ca.issue('token', ['127.0.0.1'])
  const tokens = stack.use(await tokenServer({ certificate, users: { ann: secret.password } }))
  const { realm, service, issuer } = tokens
  const token = { realm, service, issuer, rootCert: ca.certFile }
  const upstream = stack.use(await startDockerRegistry({ auth: { token } }))
  const registry = stack.use(await mirrorOf(upstream.url, secret))
  assert.deepEqual(await answersOf(registry), POLICY)
  assert.deepEqual(tokens.requests, [])
  await setUpstream(registry, upstream.url, { ...secret, tokenHosts: [new URL(realm).host] })
  assert.deepEqual(await answersOf(registry), ['404 MANIFEST_UNKNOWN', '404 BLOB_UNKNOWN'])
  await setUpstream(registry, upstream.url, { ...secret, password: 'wrong', tokenHosts: [new URL(realm).host] })
  assert.deepEqual(await answersOf(registry), ['502 DENIED', '502 DENIED'])
})

test('REG-15: the password is told by nothing that lists, answers or fails', async () => {
  await using upstream = await mockUpstream((request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else
      response
        .writeHead(400)
        .end(JSON.stringify({ errors: [{ code: 'X', message: `you sent ${request.headers.authorization}` }] }))
  })
  await using registry = await mirrorOf(upstream.url, secret)
  const client = new Client(registry.url)
  const { status, body } = await client.ask('GET', '/v2/hub/app/manifests/1')
  assert.equal(status, 502)
  const sent = upstream.headers.at(-1)?.authorization?.split(' ')[1] ?? 'nothing'
  assert.equal(Buffer.from(sent, 'base64').toString(), `${secret.username}:${secret.password}`)
  for (const word of [sent, secret.password]) assert.ok(!body.toString().includes(word))
})

test('REG-16: redirects to what is not http, is the metadata of the machine or has no end are not followed', async () => {
  let location = ''
  await using upstream = await mockUpstream((_request, response) => response.writeHead(307, { location }).end())
  await using registry = await mirrorOf(upstream.url)
  for (location of [
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://0xa9fea9fe/',
    'http://u:p@127.0.0.1/',
    '/v2/again',
  ])
    assert.deepEqual(await answersOf(registry), POLICY, location)
})

test('REG-16: five redirects are followed, and take the credentials to no other origin', async () => {
  await using storage = await mockUpstream((request, response) => {
    const hop = Number(request.url?.slice(1))
    if (hop < 4) response.writeHead(307, { location: `/${hop + 1}` }).end()
    else response.end(sendFrom(request, response, blob))
  })
  await using upstream = await mockUpstream((request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else if (request.url?.includes('manifests')) response.writeHead(404).end()
    else response.writeHead(307, { location: `${storage.url}/0` }).end()
  })
  await using registry = await mirrorOf(upstream.url, secret)
  assert.deepEqual(await answersOf(registry), ['404 MANIFEST_UNKNOWN', '200 '])
  assert.equal(storage.asked.length, 5)
  assert.ok(storage.headers.every(({ authorization }) => authorization === undefined))
})

test('REG-16: an upstream is not set at a place that none may be', async () => {
  await using registry = await startRegistry()
  for (const url of [
    'http://registry.example',
    'https://169.254.169.254',
    'https://[fe80::1]',
    'https://u:p@registry.example',
    'https://registry.example/v2',
    'file:///etc/passwd',
    'gopher://registry.example',
    '',
  ])
    await assert.rejects(
      setUpstream(registry, url),
      { code: 'invalid-argument', reason: 'UPSTREAM_INVALID_SETTING' },
      url,
    )
})

/** A manifest that names a blob. */
const manifest = manifestOf({
  config: { mediaType: MEDIA_TYPE.ociConfig, digest, size: blob.length },
  layers: [],
})
const honest: Handler = (request, response) => {
  const { url = '' } = request
  if (!url.startsWith('/v2/secret/')) return response.writeHead(404).end()
  if (url.includes('/blobs/')) return response.end(sendFrom(request, response, blob))
  response.setHeader('content-type', manifest.mediaType)
  response.setHeader('docker-content-digest', manifest.digest)
  return response.end(sendFrom(request, response, Buffer.from(manifest.bytes)))
}

test('REG-18: what is held is for those who may pull its repository, and nobody else makes it come', async () => {
  await using upstream = await mockUpstream(honest)
  await using registry = await startWithUsers()
  await setUpstream(registry, upstream.url, secret)
  await registry.administration.createUser('ann', PASSWORD, [grant('hub/secret/*', 'pull')])
  await registry.administration.createUser('bob', PASSWORD, [
    grant('hub/open/*', 'pull'),
    grant('bob/*', 'push', 'pull'),
  ])
  const client = new Client(registry.url)
  const get = async (user: string, path: string) =>
    (await client.ask('GET', path, { headers: user === '' ? {} : basic(user, PASSWORD) })).status
  const paths = [`manifests/1`, `manifests/${manifest.digest}`, `blobs/${digest}`]
  const refusals = async (user: string): Promise<number[]> => {
    const wanted = paths.flatMap((path) => [`/v2/hub/secret/app/${path}`, `/v2/secret/app/${path}?ns=upstream.test`])
    return await Promise.all(wanted.map((path) => get(user, path)))
  }
  assert.deepEqual(await refusals('bob'), Array(6).fill(403))
  assert.deepEqual(await refusals(''), Array(6).fill(401))
  assert.deepEqual(upstream.asked, [])
  assert.deepEqual(await refusals('ann'), Array(6).fill(200))
  assert.deepEqual(await refusals('bob'), Array(6).fill(403))
  assert.deepEqual(await refusals(''), Array(6).fill(401))
  // Nor by another repository of the upstream, nor by a mount.
  assert.equal(await get('bob', `/v2/hub/open/app/blobs/${digest}`), 404)
  const mount = `/v2/bob/app/blobs/uploads/?mount=${digest}&from=hub/secret/app`
  assert.equal((await client.ask('POST', mount, { headers: basic('bob', PASSWORD) })).status, 202)
  assert.equal(await get('bob', `/v2/bob/app/blobs/${digest}`), 404)
})

test('REG-18: another upstream gets at nothing by saying that it has it', async () => {
  await using upstream = await mockUpstream(honest)
  await using liar = await mockUpstream((request, response) =>
    response
      .writeHead(200, { 'content-length': blob.length })
      .end(request.method === 'HEAD' ? '' : randomBytes(blob.length)),
  )
  await using registry = await mirrorOf(upstream.url)
  await setUpstream(registry, liar.url, { name: 'liar.test', prefix: 'hub/liar' })
  const client = new Client(registry.url)
  assert.equal((await client.ask('GET', `/v2/hub/secret/app/blobs/${digest}`)).status, 200)
  await assert.rejects(client.ask('GET', `/v2/hub/liar/app/blobs/${digest}`))
  assert.equal(await registry.backend.records.linkedBlob('hub/liar/app' as never, digest), undefined)
})
