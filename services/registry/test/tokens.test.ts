import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tokens } from '../src/access/tokens.ts'
import { Users } from '../src/access/users.ts'
import { openDocuments } from './documents.ts'
import { grant } from './registry-users.ts'

const password = { kind: 'argon2id', encoded: 'x' } as const
const identity = { kind: 'identity', description: 'login', grants: [] } as const

test('the oldest of many logins gives way, and so does what is over or of a former user', async () => {
  await using store = await openDocuments()
  let now = 1_000_000
  const options = { clock: () => now, onChange: () => {} }
  const [users, tokens] = [new Users(store.documents, options), new Tokens(store.documents, options)]
  const former = await users.create('alice', password, [])
  await tokens.create(former, { ...identity, expiresAt: now + 1_000_000 })
  await users.delete('alice')
  const alice = await users.create('alice', password, [])
  const first = await tokens.create(alice, { ...identity, expiresAt: now + 1_000_000 })
  assert.deepEqual(
    (await tokens.list('alice')).map(({ id }) => id),
    [first.token.id],
  )
  for (let login = 0; login < 64; login++) {
    now++
    await tokens.create(alice, { ...identity, expiresAt: now + 1_000_000 })
  }
  assert.equal((await tokens.list('alice')).length, 64)
  assert.equal(await tokens.get(first.token.id), undefined)
  now += 2_000_000
  await tokens.create(alice, { kind: 'robot', description: '', grants: [grant('a', 'pull')], expiresAt: now + 1 })
  assert.equal((await tokens.list('alice')).length, 1)
})

test('tokens of one user are not those of another whose name begins alike', async () => {
  await using store = await openDocuments()
  const options = { clock: Date.now, onChange: () => {} }
  const [users, tokens] = [new Users(store.documents, options), new Tokens(store.documents, options)]
  for (const name of ['al', 'al.b', 'alice'])
    await tokens.create(await users.create(name, password, []), { ...identity, expiresAt: Date.now() + 60_000 })
  assert.deepEqual(
    (await tokens.list('al')).map(({ user }) => user),
    ['al'],
  )
  await tokens.deleteAllOf('al')
  assert.deepEqual(
    (await tokens.list('')).map(({ user }) => user),
    ['al.b', 'alice'],
  )
})

test('changes that meet are all made', async () => {
  await using store = await openDocuments()
  const options = { clock: Date.now, onChange: () => {} }
  const pool = Array.from({ length: 4 }, () => new Users(store.documents, options))
  const [first] = pool
  await first?.create('alice', password, [])
  await Promise.all(
    pool.map((users, index) => users.update('alice', { password: { ...password, encoded: `${index}` } })),
  )
  assert.equal((await first?.find('alice'))?.epoch, 4)
  await assert.rejects(first?.create('alice', password, []) ?? Promise.resolve(), { reason: 'USER_EXISTS' })
})
