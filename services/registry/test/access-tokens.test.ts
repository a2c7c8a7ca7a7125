import assert from 'node:assert/strict'
import { test } from 'node:test'
import { base64url, decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { AccessTokens } from '../src/access/access-tokens.ts'
import { SigningKeys } from '../src/access/signing-keys.ts'
import type { Documents } from '../src/backend/ports.ts'
import { parseRepositoryName } from '../src/distribution/names.ts'
import { openDocuments } from './documents.ts'

const HOUR = 3_600_000
const identity = { subject: 'alice', user: 'alice', uid: 'u1', epoch: 0 }
const access = {
  repositories: new Map([[parseRepositoryName('team/app'), new Set(['pull'] as const)]]),
  catalog: false,
}

function tokensOf(documents: Documents, clock: () => number, service = 'here'): AccessTokens {
  const keys = new SigningKeys(documents, { clock, rotationMs: 24 * HOUR })
  return new AccessTokens({ keys, service, lifeSeconds: 300, clock })
}

/** Documents that count how often they are read. */
function counting(documents: Documents) {
  const count = { gets: 0 }
  const get: Documents['get'] = (collection, key) => {
    count.gets++
    return documents.get(collection, key)
  }
  return {
    count,
    documents: {
      get,
      put: documents.put.bind(documents),
      delete: documents.delete.bind(documents),
      list: documents.list.bind(documents),
    },
  }
}

test('every process of a pool takes the tokens of the others, and all sign with one key', async () => {
  await using store = await openDocuments()
  const pool = Array.from({ length: 4 }, () => tokensOf(store.documents, Date.now))
  const given = await Promise.all(pool.map((tokens) => tokens.issue(identity, access)))
  for (const tokens of pool)
    for (const { token } of given) {
      const verified = await tokens.verify(token)
      assert.deepEqual(verified?.identity, identity)
      assert.ok(verified?.access.repositories.get(parseRepositoryName('team/app'))?.has('pull'))
    }
  const kept = (await store.documents.get('signing-keys', 'access-tokens'))?.value as { keys: unknown[] }
  assert.equal(kept.keys.length, 1)
})

test('a token holds for five minutes and no longer', async () => {
  await using store = await openDocuments()
  let now = 1_700_000_000_000
  const tokens = tokensOf(store.documents, () => now)
  const { token } = await tokens.issue(identity, access)
  const { exp = 0, iat = 0, aud, iss, sub } = decodeJwt(token)
  assert.deepEqual([exp - iat, aud, iss, sub], [300, 'here', 'here', 'alice'])
  now += 299_000
  assert.ok(await tokens.verify(token))
  now += 1_000
  assert.equal(await tokens.verify(token), undefined)
  assert.equal(await tokensOf(store.documents, () => now).verify(token), undefined)
})

test('a replaced key is known until its tokens are over, and then forgotten', async () => {
  await using store = await openDocuments()
  let now = 1_700_000_000_000
  const [one, other] = [tokensOf(store.documents, () => now), tokensOf(store.documents, () => now)]
  const first = await one.issue(identity, access)
  assert.ok(await other.verify(first.token))
  now += 24 * HOUR - 1_000
  const before = await one.issue(identity, access)
  now += 2_000
  const after = await other.issue(identity, access)
  assert.ok((await one.verify(before.token)) && (await other.verify(before.token)))
  assert.ok((await one.verify(after.token)) && (await other.verify(after.token)))
  assert.notEqual(kidOf(before.token), kidOf(after.token))
  now += 25 * HOUR
  await one.issue(identity, access)
  const keys = (await store.documents.get('signing-keys', 'access-tokens'))?.value as { keys: { id: string }[] }
  assert.ok(!keys.keys.some(({ id }) => id === kidOf(before.token)))
})

const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

test('takes no token that somebody else made', async () => {
  await using store = await openDocuments()
  const tokens = tokensOf(store.documents, Date.now)
  const { token } = await tokens.issue(identity, access)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const claims = { ...decodeJwt(token), access: [{ type: 'repository', name: 'team/app', actions: ['push'] }] }
  const kid = kidOf(token)
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const document = (await store.documents.get('signing-keys', 'access-tokens'))?.value as {
    keys: { jwk: { x: string } }[]
  }
  const open = Buffer.from(document.keys[0]?.jwk.x ?? '', 'base64url')
  const forged = [
    `${header}.${base64url.encode(JSON.stringify(claims))}.${signature}`,
    new UnsecuredJWT(claims).encode(),
    `${header}.${payload}.`,
    `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey),
    await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: 'other' }).sign(privateKey),
    // The open half of the key as a password.
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(open),
    await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid, jwk: await exportJWK(privateKey) })
      .sign(privateKey),
    '',
    'x',
    'a.b.c',
    `${token}x`,
    'x'.repeat(1 << 20),
  ]
  for (const each of forged) assert.equal(await tokens.verify(each), undefined, each.slice(0, 200))
  assert.ok(await tokens.verify(token))
  assert.equal(await tokensOf(store.documents, Date.now, 'elsewhere').verify(token), undefined)
})

test('a token that is known costs neither a signature nor a look at the keys; unknown keys cost a look a second', async () => {
  await using store = await openDocuments()
  let now = 1_700_000_000_000
  const { documents, count } = counting(store.documents)
  const tokens = tokensOf(documents, () => now)
  const { token } = await tokens.issue(identity, access)
  const first = await tokens.verify(token)
  now += 100_000
  const before = count.gets
  for (let round = 0; round < 1_000; round++) assert.equal(await tokens.verify(token), first)
  assert.equal(count.gets, before)
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  for (let round = 0; round < 200; round++) {
    const forged = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA', kid: `k${round}` }).sign(privateKey)
    assert.equal(await tokens.verify(forged), undefined)
  }
  assert.ok(count.gets - before <= 2, `${count.gets - before} reads`)
})
