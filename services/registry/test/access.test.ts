import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import fc from 'fast-check'
import { grantedActions } from '../src/access/grant.ts'
import {
  accessIn,
  basic,
  bearer,
  getToken,
  grant,
  PASSWORD,
  postToken,
  startWithUsers,
  statusOf,
} from './registry-users.ts'

const policy = { anonymousPull: false, immutableTags: [], quotaBytes: 0, retention: [], deletes: true }

test('who comes without credentials is told where to get a token', async () => {
  await using registry = await startWithUsers()
  const base = await fetch(`${registry.url}/v2/`)
  assert.equal(base.status, 401)
  assert.equal(base.headers.get('www-authenticate'), `Bearer realm="${registry.url}/token",service="caisson-registry"`)
  assert.equal(base.headers.get('docker-distribution-api-version'), 'registry/2.0')
  const push = await fetch(`${registry.url}/v2/team/app/blobs/uploads/`, { method: 'POST' })
  assert.equal(push.status, 401)
  const scope = 'repository:team/app:pull,push'
  assert.equal(
    push.headers.get('www-authenticate'),
    `Bearer realm="${registry.url}/token",service="caisson-registry",scope="${scope}"`,
  )
  const broken = await fetch(`${registry.url}/v2/`, { headers: bearer('no.such.token') })
  assert.equal(broken.status, 401)
  assert.match(broken.headers.get('www-authenticate') ?? '', /,error="invalid_token"$/)
  for (const header of ['Basic', 'Basic !!!', 'Digest x', `Basic ${Buffer.from('nocolon').toString('base64')}`])
    assert.equal(await statusOf(registry, '', { authorization: header }), 401, header)
})

test('a user gets what is both asked for and allowed, and never an error for asking more', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  await administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push'), grant('public', 'pull')])
  const headers = basic('alice', PASSWORD)
  const answer = await getToken(url, {
    headers,
    scopes: [
      'repository:team/app:pull,push,delete repository:public:pull,push',
      'repository:secret:pull',
      'repository:team/app:pull',
    ],
  })
  assert.equal(answer.status, 200)
  assert.deepEqual(accessIn(answer), ['team/app:pull,push', 'public:pull'])
  const { token, access_token, expires_in, issued_at, refresh_token } = answer.body
  assert.ok(token && token === access_token && expires_in === 300 && refresh_token === undefined)
  assert.ok(Math.abs(Date.parse(issued_at ?? '') - Date.now()) < 5_000)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(await statusOf(registry, '', bearer(token)), 200)
  assert.equal(await statusOf(registry, 'team/app/blobs/uploads/', bearer(token), 'POST'), 202)
  // A token reaches no further than was asked, whatever its user may.
  assert.equal(await statusOf(registry, 'team/other/blobs/uploads/', bearer(token), 'POST'), 401)
  const refused = await fetch(`${url}/v2/public/blobs/uploads/`, { method: 'POST', headers: bearer(token) })
  assert.equal(refused.status, 401)
  assert.match(
    refused.headers.get('www-authenticate') ?? '',
    /scope="repository:public:pull,push",error="insufficient_scope"$/,
  )
  assert.equal((await getToken(url, { headers })).status, 200)
  assert.equal((await getToken(url, { headers, service: 'elsewhere' })).status, 400)
})

test('Basic is taken by the registry itself, and gets 403 where no token would help', async () => {
  await using registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  const headers = basic('alice', PASSWORD)
  assert.equal(await statusOf(registry, '', headers), 200)
  assert.equal(await statusOf(registry, 'team/app/blobs/uploads/', headers, 'POST'), 202)
  assert.equal(await statusOf(registry, 'other/blobs/uploads/', headers, 'POST'), 403)
  assert.equal(await statusOf(registry, '', basic('alice', 'wrong')), 401)
  const before = performance.now()
  await Promise.all(Array.from({ length: 200 }, () => statusOf(registry, '', headers)))
  assert.ok(performance.now() - before < 3_000, 'two hundred requests are not two hundred hashes')
})

test('an OAuth2 form gives the same, and an identity token only when it is asked for', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  await administration.createUser('alice', PASSWORD, [grant('team/*', 'pull')])
  const form = {
    grant_type: 'password',
    service: 'caisson-registry',
    client_id: 'docker',
    username: 'alice',
    password: PASSWORD,
  }
  const scope = 'repository:team/a:pull,push repository:team/b:pull'
  const plain = await postToken(url, { ...form, scope })
  assert.deepEqual([plain.status, plain.body.refresh_token], [200, undefined])
  assert.equal(plain.body.scope, 'repository:team/a:pull repository:team/b:pull')
  const offline = await postToken(url, { ...form, access_type: 'offline' })
  const refresh_token = offline.body.refresh_token ?? ''
  assert.match(refresh_token, /^alice\+[a-z2-7]{16}\.cst_[\w-]{43}$/)
  const again = { grant_type: 'refresh_token', service: 'caisson-registry', client_id: 'docker', refresh_token }
  const renewed = await postToken(url, { ...again, scope })
  assert.equal(renewed.status, 200)
  assert.deepEqual(accessIn(renewed), ['team/a:pull', 'team/b:pull'])
  const viaGet = await getToken(url, { headers: basic('alice', PASSWORD), offline_token: 'true' })
  assert.ok(viaGet.body.refresh_token && viaGet.body.refresh_token !== refresh_token)
  // It lets in at the token service alone, and can be revoked by itself.
  const [id = '', secret = ''] = refresh_token.split('.')
  assert.equal(await statusOf(registry, '', basic(id, secret)), 401)
  const listed = await administration.listTokens('alice')
  assert.deepEqual(listed.map(({ description }) => description).sort(), ['login of docker', 'login of test'])
  await administration.deleteToken(id)
  assert.equal((await postToken(url, again)).status, 401)
  for (const wrong of ['', 'x', `${id}.`, `${id}.cst_${'a'.repeat(43)}`, viaGet.body.refresh_token.slice(0, -1)])
    assert.equal((await postToken(url, { ...again, refresh_token: wrong })).status, 401, wrong)
})

test('refuses forms that are none, in the words of both protocols', async () => {
  await using registry = await startWithUsers()
  const { url } = registry
  const unknown = await postToken(url, { grant_type: 'client_credentials' })
  assert.deepEqual(
    [unknown.status, unknown.body.error, unknown.body.errors?.[0]?.code],
    [400, 'unsupported_grant_type', 'UNSUPPORTED'],
  )
  const wrong = await postToken(url, { grant_type: 'password', username: 'nobody', password: 'nothing' })
  assert.deepEqual(
    [wrong.status, wrong.body.error, wrong.body.errors?.[0]?.code],
    [401, 'invalid_grant', 'UNAUTHORIZED'],
  )
  assert.equal(
    (await postToken(url, { grant_type: 'password', username: 'a', password: 'x'.repeat(70_000) })).status,
    413,
  )
  const json = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  assert.equal(json.status, 415)
  assert.equal((await getToken(url, { headers: bearer('x') })).status, 401)
})

test('REG-11: what is revoked is refused at once, by old tokens and by new ones', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  await administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push'), grant('other', 'pull')])
  const headers = basic('alice', PASSWORD)
  const scopes = ['repository:team/app:pull,push']
  const { body } = await getToken(url, { headers, scopes, offline_token: 'true' })
  const pushes = (): Promise<number> => statusOf(registry, 'team/app/blobs/uploads/', bearer(body.token ?? ''), 'POST')
  const byBasic = (): Promise<number> => statusOf(registry, 'team/app/blobs/uploads/', headers, 'POST')
  const renew = async (): Promise<number> =>
    (await postToken(url, { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' })).status
  assert.deepEqual([await pushes(), await byBasic(), await renew()], [202, 202, 200])
  // Rights are replaced as a whole, never added to.
  await administration.setGrants('alice', [grant('other', 'pull')])
  assert.deepEqual([await pushes(), await byBasic(), await renew()], [401, 403, 200])
  assert.deepEqual(accessIn(await getToken(url, { headers, scopes })), [])
  await administration.setGrants('alice', [grant('team/*', 'push')])
  assert.deepEqual([await pushes(), await byBasic()], [202, 202])
  await administration.updateUser('alice', { disabled: true })
  assert.deepEqual([await pushes(), await byBasic(), await renew()], [401, 401, 401])
  assert.equal((await getToken(url, { headers, scopes })).status, 401)
  // What was let in before does not come back with the user.
  await administration.updateUser('alice', { disabled: false })
  assert.deepEqual([await pushes(), await renew()], [401, 401])
  assert.equal((await getToken(url, { headers, scopes })).status, 200)
})

test('REG-11: a new password ends every login, and a new user of an old name inherits nothing', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  const grants = [grant('team/*', 'pull', 'push')]
  await administration.createUser('alice', PASSWORD, grants)
  const login = async (password: string) =>
    (await getToken(url, { headers: basic('alice', password), offline_token: 'true' })).body
  const renew = async ({ refresh_token = '' }: { refresh_token?: string }): Promise<number> =>
    (await postToken(url, { grant_type: 'refresh_token', refresh_token })).status
  const first = await login(PASSWORD)
  const robot = await administration.createToken({ user: 'alice', description: 'ci', grants, ttlSeconds: 0 })
  await administration.updateUser('alice', { password: `${PASSWORD} new` })
  assert.equal(await renew(first), 401)
  assert.equal(await statusOf(registry, '', bearer(first.token ?? '')), 401)
  assert.equal(await statusOf(registry, '', basic('alice', PASSWORD)), 401)
  assert.equal(await statusOf(registry, '', basic(robot.token.id, robot.secret)), 200)
  const second = await login(`${PASSWORD} new`)
  await administration.deleteUser('alice')
  assert.equal(await renew(second), 401)
  await administration.createUser('alice', PASSWORD, grants)
  assert.equal(await renew(second), 401)
  assert.equal(await statusOf(registry, '', bearer(second.token ?? '')), 401)
  assert.equal(await statusOf(registry, '', basic(robot.token.id, robot.secret)), 401)
})

test('REG-11: another process of the pool sees it within two seconds', async () => {
  await using registry = await startWithUsers()
  const { administration, url, backend } = registry
  await administration.createUser('alice', PASSWORD, [grant('*', 'push')])
  const { body } = await getToken(url, { headers: basic('alice', PASSWORD), scopes: ['repository:a:push'] })
  const pushes = (): Promise<number> => statusOf(registry, 'a/blobs/uploads/', bearer(body.token ?? ''), 'POST')
  assert.equal(await pushes(), 202)
  await backend.documents.delete('users', 'alice', 'any')
  assert.equal((await getToken(url, { headers: basic('alice', PASSWORD) })).status, 401)
  await new Promise((resolve) => setTimeout(resolve, 2_100))
  assert.equal(await pushes(), 401)
})

test('a robot token has its own rights, never more than its user, and an end', async () => {
  let now = Date.now()
  await using registry = await startWithUsers({ clock: () => now })
  const { administration, url } = registry
  await administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  const make = (...grants: ReturnType<typeof grant>[]) =>
    administration.createToken({ user: 'alice', description: 'ci', grants, ttlSeconds: 3_600 })
  for (const excess of [
    grant('*', 'pull'),
    grant('team/*', 'delete'),
    grant('team/*', 'admin'),
    grant('other', 'pull'),
  ])
    await assert.rejects(make(excess), { reason: 'GRANTS_EXCEED_USER' })
  await assert.rejects(make(), { reason: 'INVALID' })
  const { token, secret } = await make(grant('team/app', 'pull', 'push'))
  assert.match(secret, /^cst_[\w-]{43}$/)
  const kept = await registry.backend.documents.get('tokens', token.id)
  assert.ok(!JSON.stringify(kept).includes(secret.slice(4)))
  const headers = basic(token.id, secret)
  const scopes = ['repository:team/app:pull,push,delete', 'repository:team/other:pull']
  const answer = await getToken(url, { headers, scopes, offline_token: 'true' })
  assert.deepEqual(accessIn(answer), ['team/app:pull,push'])
  assert.equal(answer.body.refresh_token, undefined)
  assert.equal((await getToken(url, { headers: basic(token.id, `${secret}x`) })).status, 401)
  assert.equal((await getToken(url, { headers: basic('alice', secret) })).status, 401)
  // Rights that the user loses are lost to the token as well.
  await administration.setGrants('alice', [grant('team/*', 'pull')])
  assert.deepEqual(accessIn(await getToken(url, { headers, scopes })), ['team/app:pull'])
  await assert.rejects(administration.setGrants(token.id, [grant('team/app', 'push')]), {
    reason: 'GRANTS_EXCEED_USER',
  })
  const { body } = await getToken(url, { headers, scopes })
  const reads = (): Promise<number> => statusOf(registry, 'team/app/tags/list', bearer(body.token ?? ''))
  assert.equal(await reads(), 404)
  await administration.updateUser('alice', { disabled: true })
  assert.deepEqual([await reads(), (await getToken(url, { headers })).status], [401, 401])
  await administration.updateUser('alice', { disabled: false })
  assert.equal((await getToken(url, { headers })).status, 200)
  now += 3_600_000
  assert.equal((await getToken(url, { headers, scopes })).status, 401)
  assert.deepEqual(await administration.listTokens('alice'), [])
})

test('everybody pulls where a policy says so, and nobody pushes', async () => {
  await using registry = await startWithUsers()
  const { url, service, administration } = registry
  assert.equal(await statusOf(registry, 'public/app/tags/list'), 401)
  await service.policies.set('public/*', { ...policy, anonymousPull: true })
  assert.equal(await statusOf(registry, 'public/app/tags/list'), 404)
  assert.equal(await statusOf(registry, 'private/app/tags/list'), 401)
  assert.equal(await statusOf(registry, ''), 401)
  const scopes = ['repository:public/app:pull,push,delete', 'repository:private/app:pull', 'registry:catalog:*']
  const answer = await getToken(url, { scopes })
  assert.equal(answer.status, 200)
  assert.deepEqual(accessIn(answer), ['public/app:pull'])
  const headers = bearer(answer.body.token ?? '')
  assert.equal(await statusOf(registry, '', headers), 200)
  assert.equal(await statusOf(registry, 'public/app/tags/list', headers), 404)
  assert.equal(await statusOf(registry, 'public/app/blobs/uploads/', headers, 'POST'), 401)
  assert.equal(await statusOf(registry, 'public/app/blobs/uploads/', {}, 'POST'), 401)
  assert.equal(await statusOf(registry, 'private/app/tags/list', headers), 401)
  await administration.createUser('alice', PASSWORD, [])
  assert.deepEqual(accessIn(await getToken(url, { scopes: scopes.slice(0, 2), headers: basic('alice', PASSWORD) })), [
    'public/app:pull',
  ])
  assert.equal((await postToken(url, { grant_type: 'refresh_token', refresh_token: '' })).status, 401)
})

test('the catalog shows what its reader may pull', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  await administration.createUser('root', PASSWORD, [grant('*', 'admin')])
  await administration.createUser('alice', PASSWORD, [grant('team/*', 'pull')])
  const digest = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  for (const name of ['team/a', 'team/b', 'secret'])
    assert.equal(
      await statusOf(registry, `${name}/blobs/uploads/?digest=${digest}`, basic('root', PASSWORD), 'POST'),
      201,
    )
  const { body } = await getToken(url, { headers: basic('alice', PASSWORD), scopes: ['registry:catalog:*'] })
  for (const headers of [bearer(body.token ?? ''), basic('alice', PASSWORD)]) {
    const catalog = await fetch(`${url}/v2/_catalog`, { headers })
    assert.deepEqual(await catalog.json(), { repositories: ['team/a', 'team/b'] })
  }
  assert.equal(await statusOf(registry, '_catalog'), 401)
})

test('REG-13: whatever is asked for, what is granted lies within the rights', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  const grants = [grant('team/*', 'pull', 'push'), grant('a*', 'delete'), grant('b', 'pull')]
  await administration.createUser('alice', PASSWORD, grants)
  const robot = await administration.createToken({ user: 'alice', description: 'fuzz', grants, ttlSeconds: 0 })
  const headers = basic(robot.token.id, robot.secret)
  const name = fc.constantFrom(
    'team/app',
    'team',
    'a',
    'ab',
    'b',
    '*',
    'team/*',
    'host:5000/team/app',
    'a,b',
    'team/app:x',
    '',
    '..',
    'a%2fb',
  )
  const actions = fc.array(fc.constantFrom('pull', 'push', 'delete', 'admin', '*', '', 'pull '), { maxLength: 4 })
  const scope = fc.oneof(
    fc.string(),
    fc.tuple(name, actions).map(([of, what]) => `repository:${of}:${what.join(',')}`),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(scope, { maxLength: 16 }), async (scopes) => {
      const answer = await getToken(url, { headers, scopes })
      if (answer.status !== 200) return assert.equal(answer.body.error, 'invalid_scope')
      for (const each of accessIn(answer).filter((text) => text !== 'catalog:*')) {
        const [of = '', what = ''] = each.split(':')
        for (const action of what.split(','))
          assert.ok(
            ([...grantedActions(grants, of)] as string[]).includes(action),
            `${each} for ${JSON.stringify(scopes)}`,
          )
      }
    }),
    { numRuns: 60 },
  )
  const many = await postToken(url, [
    ['grant_type', 'password'],
    ['username', 'alice'],
    ['password', PASSWORD],
    ...Array.from({ length: 1_000 }, () => ['scope', 'repository:b:pull']),
  ])
  assert.deepEqual([many.status, many.body.error], [400, 'invalid_scope'])
})

test('REG-14: the eleventh failed login in a minute waits, also at /v2/, and a long password is not hashed', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  await administration.createUser('alice', PASSWORD, [])
  await administration.createUser('bob', PASSWORD, [])
  const statuses = await Promise.all(
    Array.from({ length: 12 }, async () => (await getToken(url, { headers: basic('alice', 'wrong') })).status),
  )
  assert.deepEqual(statuses.sort(), [...Array<number>(10).fill(401), 429, 429])
  const refused = await getToken(url, { headers: basic('alice', PASSWORD) })
  assert.deepEqual([refused.status, refused.body.errors?.[0]?.code], [429, 'TOOMANYREQUESTS'])
  const wait = Number(refused.headers.get('retry-after'))
  assert.ok(wait > 0 && wait <= 60, `Retry-After: ${wait}`)
  const direct = await fetch(`${url}/v2/`, { headers: basic('alice', PASSWORD) })
  assert.equal(direct.status, 429)
  assert.ok(Number(direct.headers.get('retry-after')) > 5)
  assert.equal((await getToken(url, { headers: basic('bob', PASSWORD) })).status, 200)
  const before = performance.now()
  assert.equal(
    (await postToken(url, { grant_type: 'password', username: 'carol', password: 'x'.repeat(60_000) })).status,
    401,
  )
  assert.ok(performance.now() - before < 1_000)
})

test('REG-25: nothing is shared with other origins, sniffed, or broken out of', async () => {
  await using registry = await startWithUsers()
  const { url } = registry
  const origin = { origin: 'https://evil.example' }
  const nasty = `"><script>alert(1)</script>\u2028`
  const answers = await Promise.all([
    fetch(`${url}/v2/`, { headers: origin }),
    fetch(`${url}/token?service=${encodeURIComponent(nasty)}`, { headers: origin }),
    fetch(`${url}/token`, { method: 'POST', headers: origin, body: new URLSearchParams({ grant_type: nasty }) }),
    fetch(`${url}/token`, { method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': 'POST' } }),
    fetch(`${url}/v2/${encodeURIComponent(nasty)}/tags/list`, { headers: origin }),
  ])
  for (const answer of answers) {
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
    assert.equal(answer.headers.get('access-control-allow-credentials'), null)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
    assert.ok(
      !(await answer.text()).includes('<script>') || answer.headers.get('content-type')?.startsWith('application/json'),
    )
  }
})

test('a host that the client makes up does not end the quotes of a challenge', async () => {
  await using registry = await startWithUsers()
  const gate = registry.access?.gatekeeper
  const caller = { authorization: undefined, address: '127.0.0.1', origin: 'http://a"\r\nx: y,realm="b' }
  assert.equal(
    gate?.challenge(caller, [], false),
    'Bearer realm="http://a\\"x: y,realm=\\"b/token",service="caisson-registry"',
  )
})

test('users of an htpasswd file log in, and their passwords are kept by argon2id from then on', async () => {
  await using registry = await startWithUsers()
  const { administration, url, backend } = registry
  await administration.createUser('alice', PASSWORD, [])
  const line = `bob:${await bcryptHash('from the file', { cost: 5, version: '2y' })}`
  const { users, refused } = await administration.importHtpasswd(`${line}\nalice:${line.slice(4)}\ncarol:{SHA}x\n`)
  assert.deepEqual([users, refused.length], [['bob'], 2])
  await administration.setGrants('bob', [grant('team/*', 'pull')])
  const hashOf = async () => JSON.stringify((await backend.documents.get('users', 'bob'))?.value)
  assert.match(await hashOf(), /\$2y\$05\$/)
  assert.equal((await getToken(url, { headers: basic('bob', 'wrong') })).status, 401)
  assert.match(await hashOf(), /\$2y\$05\$/)
  for (let login = 0; login < 2; login++) {
    const answer = await getToken(url, { headers: basic('bob', 'from the file'), scopes: ['repository:team/a:pull'] })
    assert.deepEqual(accessIn(answer), ['team/a:pull'])
    assert.match(await hashOf(), /\$argon2id\$/)
  }
  assert.equal((await getToken(url, { headers: basic('alice', PASSWORD) })).status, 200)
})

test('the time of the last login is kept', async () => {
  await using registry = await startWithUsers()
  const { administration, url } = registry
  const made = await administration.createUser('alice', PASSWORD, [])
  assert.equal(made.lastSeenAt, 0)
  assert.equal((await getToken(url, { headers: basic('alice', PASSWORD) })).status, 200)
  const { users } = await administration.listUsers('', 10)
  assert.ok(Math.abs((users.find(({ name }) => name === 'alice')?.lastSeenAt ?? 0) - Date.now()) < 60_000)
})
