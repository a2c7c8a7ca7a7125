import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceClient } from '@caisson/api'
import { AccessDefinition, Right } from '@caisson/api/registry'
import { accessIn, basic, getToken, PASSWORD, type RegistryWithUsers, startWithUsers } from './registry-users.ts'
import { serveRpc } from './rpc.ts'

interface Served extends AsyncDisposable {
  readonly registry: RegistryWithUsers
  readonly client: ServiceClient<typeof AccessDefinition>
}

/** The service over a real socket. */
async function serve(): Promise<Served> {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await startWithUsers())
  const { channel, services } = stack.use(await serveRpc(registry))
  assert.ok(services.includes('caisson.registry.v1.Access'))
  const client = channel.client(AccessDefinition)
  const owned = stack.move()
  return { registry, client, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const team = { repositories: 'team/*', rights: [Right.PULL, Right.PUSH] }

test('makes, changes, lists and removes users', async () => {
  await using served = await serve()
  const { client, registry } = served
  const made = await client.createUser({ name: 'alice', password: PASSWORD, grants: [team] })
  assert.deepEqual(made.grants, [team])
  assert.ok(made.createdAt && made.lastSeenAt === undefined && !made.disabled)
  assert.ok(!JSON.stringify(made).includes('argon2'))
  await assert.rejects(client.createUser({ name: 'alice', password: PASSWORD, grants: [] }), { reason: 'USER_EXISTS' })
  await assert.rejects(client.createUser({ name: 'bob', password: 'weak', grants: [] }), { reason: 'WEAK_PASSWORD' })
  for (const name of ['', 'a:b', 'a+b', '../x', 'x'.repeat(129)])
    await assert.rejects(client.createUser({ name, password: PASSWORD, grants: [] }), { reason: 'INVALID' })
  await assert.rejects(
    client.createUser({ name: 'bob', password: PASSWORD, grants: [{ repositories: '**', rights: [] }] }),
    { reason: 'INVALID' },
  )
  await assert.rejects(
    client.createUser({
      name: 'bob',
      password: PASSWORD,
      grants: [{ repositories: 'a', rights: [Right.UNSPECIFIED] }],
    }),
    { reason: 'INVALID' },
  )
  const page = await client.listUsers({ page: { size: 1, token: '' } })
  assert.deepEqual([page.users.map(({ name }) => name), page.nextPageToken], [['admin'], 'admin'])
  const rest = await client.listUsers({ page: { size: 5, token: page.nextPageToken } })
  assert.deepEqual([rest.users.map(({ name }) => name), rest.nextPageToken], [['alice'], ''])
  assert.ok((await client.updateUser({ name: 'alice', disabled: true })).disabled)
  assert.equal((await getToken(registry.url, { headers: basic('alice', PASSWORD) })).status, 401)
  assert.ok((await client.updateUser({ name: 'alice', password: `${PASSWORD}!` })).disabled)
  await client.updateUser({ name: 'alice', disabled: false })
  assert.equal((await getToken(registry.url, { headers: basic('alice', `${PASSWORD}!`) })).status, 200)
  await assert.rejects(client.updateUser({ name: 'nobody', disabled: true }), { reason: 'USER_NOT_FOUND' })
  await client.deleteUser({ name: 'alice' })
  await assert.rejects(client.deleteUser({ name: 'alice' }), { reason: 'USER_NOT_FOUND' })
})

test('tells the secret of a token once, and lists tokens without', async () => {
  await using served = await serve()
  const { client, registry } = served
  await client.createUser({ name: 'alice', password: PASSWORD, grants: [team] })
  const grants = [{ repositories: 'team/app', rights: [Right.PULL] }]
  const { token, secret } = await client.createToken({ user: 'alice', description: 'ci', grants, ttlSeconds: 0 })
  const days = ((token?.expiresAt?.seconds ?? 0) - Date.now() / 1_000) / 86_400
  assert.ok(days > 89 && days <= 90, `${days} days`)
  const headers = basic(token?.id ?? '', secret)
  const scopes = ['repository:team/app:pull,push']
  assert.deepEqual(accessIn(await getToken(registry.url, { headers, scopes })), ['team/app:pull'])
  const { tokens } = await client.listTokens({ user: '' })
  assert.deepEqual(
    tokens.map(({ user, description }) => [user, description]),
    [['alice', 'ci']],
  )
  assert.ok(tokens[0]?.lastSeenAt && !JSON.stringify(tokens).includes(secret))
  await client.setGrants({ subject: token?.id ?? '', grants: [team] })
  assert.deepEqual(accessIn(await getToken(registry.url, { headers, scopes })), ['team/app:pull,push'])
  await assert.rejects(client.setGrants({ subject: 'nobody', grants: [] }), { reason: 'USER_NOT_FOUND' })
  for (const ttlSeconds of [-1, 1e12])
    await assert.rejects(client.createToken({ user: 'alice', description: '', grants, ttlSeconds }), {
      reason: 'INVALID',
    })
  await client.deleteToken({ id: token?.id ?? '' })
  assert.equal((await getToken(registry.url, { headers })).status, 401)
  await assert.rejects(client.deleteToken({ id: token?.id ?? '' }), { reason: 'TOKEN_NOT_FOUND' })
})

test('takes over the users of an htpasswd file and says which it did not', async () => {
  await using served = await serve()
  const content = Buffer.from(`bob:$2y$05$${'a'.repeat(53)}\neve:{SHA}x\n`)
  const { users, refused } = await served.client.importHtpasswd({ content })
  assert.deepEqual(users, ['bob'])
  assert.match(refused.join(), /^line 2: only passwords by bcrypt/)
})
