import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { certificateAuthority, needsDockerRegistry, startDockerRegistry, tokenServer } from '@caisson/testkit'
import { calm, pushImage, smallImage } from './image.ts'
import { mockRegistry, testClient } from './mock-registry.ts'

const skip = needsDockerRegistry()
const ann = { username: 'ann', password: 'secret' }
const dir = mkdtempSync(join(tmpdir(), 'csn-regclient-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('tells whether a login is good, by basic authentication', { skip }, async () => {
  await using registry = await startDockerRegistry({ auth: { users: { ann: 'secret' } } })
  await using client = testClient()
  assert.equal(await client.registry(registry.address, ann).checkLogin(calm), true)
  const wrong = { code: 'unauthenticated', reason: 'REGISTRY_LOGIN_REQUIRED' }
  await assert.rejects(client.registry(registry.address, { ...ann, password: 'no' }).checkLogin(calm), wrong)
  await assert.rejects(client.registry(registry.address).checkLogin(calm), wrong)
})

test('tells whether a login is good, by a token server', { skip }, async () => {
  const ca = certificateAuthority(dir)
  await using tokens = await tokenServer({ certificate: ca.issue('token', ['127.0.0.1']), users: { ann: 'secret' } })
  const token = { realm: tokens.realm, service: tokens.service, issuer: tokens.issuer, rootCert: ca.certFile }
  await using registry = await startDockerRegistry({ auth: { token } })
  await using client = testClient()
  assert.equal(await client.registry(registry.address, ann).checkLogin(calm), true)
  await assert.rejects(client.registry(registry.address, { ...ann, password: 'no' }).checkLogin(calm), {
    reason: 'REGISTRY_LOGIN_REQUIRED',
    details: { status: '401', registry: registry.address },
  })
})

test('says so when a registry did not ask who comes', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = testClient()
  assert.equal(await client.registry(registry.address, ann).checkLogin(calm), false)
})

test('reads the catalog of a registry page by page', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = testClient()
  const names = ['a', 'team/app', 'team/base']
  for (const repository of names)
    await pushImage(client.repository({ registry: registry.address, repository }), '1', smallImage(10))
  assert.deepEqual(await Array.fromAsync(client.registry(registry.address).repositories(calm)), names)

  await using paging = await mockRegistry((request, response) => {
    const isFirst = !request.url?.includes('last=')
    if (isFirst) response.setHeader('link', '</v2/_catalog?n=1000&last=b>; rel="next"')
    response.end(JSON.stringify({ repositories: isFirst ? ['a', 'b'] : ['c'] }))
  })
  assert.deepEqual(await Array.fromAsync(client.registry(paging.address).repositories(calm)), ['a', 'b', 'c'])
})

test('tells a registry without a catalog, and an answer that is none', async () => {
  await using client = testClient()
  for (const [status, body, reason] of [
    [404, '', 'CATALOG_NOT_FOUND'],
    [405, '', 'REGISTRY_UNSUPPORTED'],
    [200, '<html>', 'REGISTRY_ANSWER_INVALID'],
    [200, '{"repositories":[1]}', 'REGISTRY_ANSWER_INVALID'],
  ] as const) {
    await using server = await mockRegistry((_request, response) => response.writeHead(status).end(body))
    const listing = Array.fromAsync(client.registry(server.address).repositories(calm))
    await assert.rejects(listing, { reason }, `${status} ${body}`)
  }
})
