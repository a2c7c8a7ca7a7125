import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openGate } from '../../src/http/open-gate.ts'
import type { Gatekeeper } from '../../src/http/ports.ts'
import { Client } from '../client.ts'
import { blobOf, startRegistry, type TestRegistry } from '../registry.ts'
import { AS_ADA, AS_STRANGER, passwordGate } from './password-gate.ts'

let registry: TestRegistry
let client: Client
/** Who is let in; pushes go through an open gate first. */
let gate: Gatekeeper = openGate

before(async () => {
  const switching: Gatekeeper = {
    admit: (caller) => gate.admit(caller),
    may: (principal, repository, action) => gate.may(principal, repository, action),
    isKnown: (principal) => gate.isKnown(principal),
    challenge: (caller, wanted, insufficient) => gate.challenge(caller, wanted, insufficient),
    register: () => {},
  }
  registry = await startRegistry({ gate: switching })
  client = new Client(registry.url)
  for (const name of ['public/tool', 'private/app', 'other/secret']) await client.pushImage(name, 'v1', blobOf(10))
  await registry.service.policies.set('public/*', {
    ...{ anonymousPull: true, immutableTags: [], quotaBytes: 0, retention: [], deletes: false },
  })
  gate = passwordGate
})
after(() => registry[Symbol.asyncDispose]())

/** An answer without what differs each time. */
async function answer(path: string, options: RequestInit = {}): Promise<string> {
  const { status, headers, body } = await client.ask('GET', path, options)
  const lasting = [...headers].filter(([name]) => name !== 'date')
  return JSON.stringify([status, lasting, body.toString()])
}

test('shows nobody in particular what everybody may pull, and how to log in', async () => {
  const { status, body, headers } = await client.ask('GET', '/ui/')
  assert.equal(status, 200)
  assert.equal(headers.get('www-authenticate'), null)
  assert.match(body.toString(), /public\/<wbr>tool/)
  assert.doesNotMatch(body.toString(), /private|secret/)
  assert.match(body.toString(), /<a href="\/ui\/login">Log in<\/a>/)
  assert.equal((await client.ask('GET', '/ui/r/public/tool/-/v1')).status, 200)
})

test('asks for a name and password where they could help, and tells nothing of what there is', async () => {
  const { status, headers } = await client.ask('GET', '/ui/r/private/app')
  assert.equal(status, 401)
  assert.match(headers.get('www-authenticate') ?? '', /^Basic realm="[^"]+", charset="UTF-8"$/)
  for (const tail of ['', '/-/v1', '/-/v2'])
    assert.equal(await answer(`/ui/r/private/app${tail}`), await answer(`/ui/r/private/none${tail}`))
})

test('shows those who are logged in what they may pull, and nothing of the rest', async () => {
  const home = (await client.ask('GET', '/ui/', AS_ADA)).body.toString()
  assert.match(home, /private\/<wbr>app/)
  assert.match(home, /public\/<wbr>tool/)
  assert.doesNotMatch(home, /secret/)
  assert.match(home, /Logged in as <b>ada<\/b>/)
  for (const tail of ['', '/-/v1'])
    assert.equal(await answer(`/ui/r/other/secret${tail}`, AS_ADA), await answer(`/ui/r/other/none${tail}`, AS_ADA))
  assert.equal((await client.ask('GET', '/ui/r/other/secret', AS_ADA)).status, 404)
  assert.equal((await client.ask('GET', '/ui/?prefix=other/', AS_ADA)).body.toString().includes('secret'), false)
})

test('asks on the login page, and leads home from it', async () => {
  assert.equal((await client.ask('GET', '/ui/login')).status, 401)
  const { status, headers } = await client.ask('GET', '/ui/login', AS_ADA)
  assert.deepEqual([status, headers.get('location')], [302, '/ui/'])
})

test('asks again when the password is wrong', async () => {
  const { status, headers, body } = await client.ask('GET', '/ui/', AS_STRANGER)
  assert.equal(status, 401)
  assert.match(headers.get('www-authenticate') ?? '', /^Basic /)
  assert.match(body.toString(), /Log in to go on/)
})

test('asks at once when nobody in particular sees nothing at all', async () => {
  await using empty = await startRegistry({ gate: passwordGate })
  assert.equal((await new Client(empty.url).ask('GET', '/ui/')).status, 401)
  assert.equal((await new Client(empty.url).ask('GET', '/ui/', AS_ADA)).status, 200)
})

test('leaves the challenge of the protocol as it is', async () => {
  const { status, headers } = await client.ask('GET', '/v2/private/app/tags/list', { headers: { accept: 'text/html' } })
  assert.equal(status, 401)
  assert.match(headers.get('www-authenticate') ?? '', /^Bearer /)
})
