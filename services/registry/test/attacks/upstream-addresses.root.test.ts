import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { inNamespaces } from '@caisson/testkit'
import { Client } from '../client.ts'
import { startRegistry } from '../registry.ts'
import { setUpstream } from '../upstream/mirror.ts'
import { mockUpstream, sendFrom } from '../upstream/mock-upstream.ts'

const skip = inNamespaces()
/** Addresses of the world and of a private network, which in this namespace are our own. */
const [WORLD, PRIVATE] = ['8.8.4.4', '10.11.12.13']
const blob = randomBytes(10_000)
const path = `/v2/hub/app/blobs/${digestOf(blob)}`

before(() => {
  if (skip) return
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  for (const address of [WORLD, PRIVATE]) execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
})

/** Resolves names to what the test says at the moment. */
const names = new Map<string, string>()
const resolver = async (name: string) => [{ address: names.get(name) ?? WORLD, family: 4 }]

const answerOf = async (url: string): Promise<string> => {
  const { status, code } = await new Client(url).ask('GET', path)
  return `${status} ${code}`
}

test('REG-16: an upstream of the world sends nobody to this machine or its networks', { skip }, async () => {
  await using inside = await mockUpstream(
    (request, response) => response.end(sendFrom(request, response, blob)),
    '0.0.0.0',
  )
  const [, port] = inside.address.split(':')
  let location = ''
  await using upstream = await mockUpstream((_request, response) => response.writeHead(307, { location }).end(), WORLD)
  await using registry = await startRegistry({ resolver })
  await setUpstream(registry, upstream.url.replace(WORLD, 'world.test'), { insecure: true })
  names.set('inside.test', PRIVATE)
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '[::1]', '2130706433', PRIVATE, 'inside.test']) {
    if (host === 'localhost') names.set(host, '127.0.0.1')
    location = `http://${host}:${port}/`
    assert.equal(await answerOf(registry.url), '502 POLICY', location)
  }
  assert.deepEqual(inside.asked, [])
  location = `http://elsewhere.test:${port}/`
  assert.equal(await answerOf(registry.url), '200 ')
})

test('REG-16: a name that leads elsewhere the next time is not followed', { skip }, async () => {
  await using inside = await mockUpstream(
    (request, response) => response.end(sendFrom(request, response, blob)),
    '0.0.0.0',
  )
  const [, port] = inside.address.split(':')
  await using registry = await startRegistry({ resolver })
  const url = `http://rebind.test:${port}`
  await setUpstream(registry, url, { insecure: true })
  for (const address of ['127.0.0.1', PRIVATE, '169.254.169.254']) {
    names.set('rebind.test', address)
    assert.equal(await answerOf(registry.url), '502 POLICY', address)
  }
  assert.deepEqual(inside.asked, [])
  names.set('rebind.test', WORLD)
  assert.equal(await answerOf(registry.url), '200 ')
})

test('REG-16: a name may lead to a private network where the upstream says so', { skip }, async () => {
  await using inside = await mockUpstream(
    (request, response) => response.end(sendFrom(request, response, blob)),
    PRIVATE,
  )
  await using registry = await startRegistry({ resolver })
  names.set('corp.test', PRIVATE)
  const url = inside.url.replace(PRIVATE, 'corp.test')
  await setUpstream(registry, url, { insecure: true })
  assert.equal(await answerOf(registry.url), '502 POLICY')
  await setUpstream(registry, url, { insecure: true, privateNetwork: true })
  assert.equal(await answerOf(registry.url), '200 ')
})

test('REG-15: a realm of the world that leads to this machine is not asked', { skip }, async () => {
  await using inside = await mockUpstream((_request, response) => response.end('{"token":"x"}'), '0.0.0.0')
  const [, port] = inside.address.split(':')
  const realm = `http://auth.test:${port}/token`
  await using upstream = await mockUpstream(
    (_request, response) => response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
    WORLD,
  )
  await using registry = await startRegistry({ resolver })
  const url = upstream.url.replace(WORLD, 'world.test')
  names.set('auth.test', '127.0.0.1')
  const settings = { insecure: true, username: 'ann', password: 'secret' }
  for (const more of [{}, { ...settings }, { ...settings, tokenHosts: [`auth.test:${port}`] }]) {
    await setUpstream(registry, url, { insecure: true, ...more })
    assert.equal(await answerOf(registry.url), '502 POLICY')
  }
  assert.deepEqual(inside.asked, [])
})
