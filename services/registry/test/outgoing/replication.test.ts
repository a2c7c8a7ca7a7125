import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Replication } from '@caisson/api/registry'
import { MEDIA_TYPE } from '@caisson/oci'
import { certificateAuthority, needsDockerRegistry, startDockerRegistry, tokenServer } from '@caisson/testkit'
import { Client, descriptorOf, type Manifest, manifestOf } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'
import { grant, PASSWORD, startWithUsers } from '../registry-users.ts'
import { Receiver, until } from './receiver.ts'
import { HASTY, type ServedRegistry, serveRegistry } from './rpc.ts'
import { digestAt, fetchAll, needsSkopeo } from './skopeo.ts'

const skip = needsDockerRegistry() || needsSkopeo()
const dir = mkdtempSync(join(tmpdir(), 'csn-replication-'))
after(() => rmSync(dir, { recursive: true, force: true }))

async function standing(registry: ServedRegistry, name = 'copy'): Promise<Replication> {
  const { replications } = await registry.replications.list({})
  return replications.find((one) => one.name === name) ?? assert.fail(`there is no replication ${name}`)
}

async function settled(registry: ServedRegistry, name?: string): Promise<void> {
  // What has happened is planned a moment later.
  await sleep(400)
  let last: Replication | undefined
  try {
    await until(async () => {
      last = await standing(registry, name)
      return last.state === 'idle'
    }, 'nothing is left to do')
  } catch (error) {
    assert.fail(`${error}: ${JSON.stringify(last)}`)
  }
}

/** An index of two platforms, tagged, with a referrer of the index and one of a child. */
async function pushIndex(client: Client, repository: string, tag: string) {
  const children: Manifest[] = []
  for (const architecture of ['amd64', 'arm64']) {
    const child = await client.imageOf(repository, blobOf(50_000), { annotations: { architecture } })
    await client.pushManifest(repository, child.digest, child)
    children.push(child)
  }
  const manifests = children.map(({ bytes, mediaType }, index) => ({
    ...descriptorOf(bytes, mediaType),
    platform: { os: 'linux', architecture: ['amd64', 'arm64'][index] },
  }))
  const index = manifestOf({ manifests }, MEDIA_TYPE.ociIndex)
  await client.pushManifest(repository, tag, index)
  const referrers: Manifest[] = []
  for (const { bytes, mediaType } of [index, ...children.slice(0, 1)])
    referrers.push(await pushReferrer(client, repository, descriptorOf(bytes, mediaType)))
  return { index, children, referrers }
}

async function pushReferrer(client: Client, repository: string, subject: object): Promise<Manifest> {
  const referrer = await client.imageOf(repository, blobOf(500), { subject, artifactType: 'application/x-signature' })
  const { status } = await client.pushManifest(repository, referrer.digest, referrer)
  assert.equal(status, 201)
  return referrer
}

test('copies what is there and what comes to docker-registry, to the byte', { skip }, async () => {
  await using target = await startDockerRegistry({ auth: { users: { copier: 'a secret of the target' } } })
  const credentials = 'copier:a secret of the target'
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  const early = await pushIndex(client, 'team/app', 'early')
  await client.pushImage('other/app', 'early', blobOf(10))
  const made = await registry.replications.set({
    ...{ name: 'copy', repositories: ['team/*'], targetUrl: target.url, prefix: 'backup/' },
    ...{ username: 'copier', password: 'a secret of the target', deletes: true },
  })
  assert.deepEqual([made.password, made.hasPassword], ['', true])
  await settled(registry)
  const place = `${target.address}/backup/team/app`
  assert.equal(await digestAt(`${place}:early`, credentials), early.index.digest)
  for (const { digest } of [...early.children, ...early.referrers])
    assert.equal(await digestAt(`${place}@${digest}`, credentials), digest)
  await fetchAll(`${place}:early`, join(dir, 'early'), credentials)
  const [signature = assert.fail()] = early.referrers
  const fallback = `${place}:${early.index.digest.replace(':', '-')}`
  assert.equal(typeof (await digestAt(fallback, credentials)), 'string')
  await assert.rejects(digestAt(`${target.address}/backup/other/app:early`, credentials))

  const late = await pushIndex(client, 'team/app', 'late')
  const one = await client.pushImage('team/other', 'a', blobOf(10))
  const moved = await client.pushImage('team/app', 'early', blobOf(10))
  await settled(registry)
  assert.equal(await digestAt(`${place}:late`, credentials), late.index.digest)
  assert.equal(await digestAt(`${place}:early`, credentials), moved.digest)
  assert.equal(await digestAt(`${target.address}/backup/team/other:a`, credentials), one.digest)

  await client.ask('DELETE', `/v2/team/app/manifests/${signature.digest}`)
  await client.ask('DELETE', `/v2/team/app/manifests/${moved.digest}`)
  await settled(registry)
  await assert.rejects(digestAt(`${place}@${signature.digest}`, credentials))
  await assert.rejects(digestAt(`${place}:early`, credentials))
  assert.equal(await digestAt(`${place}:late`, credentials), late.index.digest)

  // This target removes no single tags: one whose manifest stays here stays there, and nothing fails for that.
  await client.ask('DELETE', '/v2/team/app/manifests/late')
  await settled(registry)
  assert.equal(await digestAt(`${place}:late`, credentials), late.index.digest)
  assert.ok(!JSON.stringify(await registry.replications.list({})).includes('a secret'))
})

test('copies to a registry with a token server', { skip }, async () => {
  const authority = certificateAuthority(join(mkdtempSync(join(dir, 'ca-'))))
  const certificate = authority.issue('token', ['127.0.0.1'])
  await using tokens = await tokenServer({ certificate, users: { copier: 'of the token server' } })
  const { realm, service, issuer } = tokens
  const token = { realm, service, issuer, rootCert: certificate.certFile }
  await using target = await startDockerRegistry({ auth: { token } })
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  const rule = { name: 'copy', repositories: ['*'], targetUrl: target.url, username: 'copier', deletes: true }
  await registry.replications.set({ ...rule, password: 'wrong' })
  const image = await client.pushImage('app', '1', blobOf(1_000))
  await until(async () => (await standing(registry)).state === 'failing', 'the wrong password is told')
  await registry.replications.set({ ...rule, password: 'of the token server' })
  await settled(registry)
  await client.ask('DELETE', `/v2/app/manifests/${image.digest}`)
  await settled(registry)
  const scopes = new Set(tokens.requests.flatMap(({ scopes: wanted }) => wanted))
  assert.ok(scopes.has('repository:app:pull,push') && scopes.has('repository:app:delete'), [...scopes].join(' '))
})

test('copies to another registry of ours: mounts, referrers, tags that are removed', async () => {
  await using target = await startWithUsers()
  await target.administration.createUser('copier', PASSWORD, [grant('m/*', 'pull', 'push', 'delete')])
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  const rule = { name: 'copy', repositories: ['*'], targetUrl: target.url, prefix: 'm/', deletes: true }
  await registry.replications.set({ ...rule, username: 'copier', password: PASSWORD })
  const layer = blobOf(3 << 20)
  const image = await client.pushImage('a', '1', layer)
  await settled(registry)
  await client.pushImage('b', '1', layer)
  const { index, referrers } = await pushIndex(client, 'b', 'all')
  await settled(registry)
  const at = async (repository: string, reference: string): Promise<string | undefined> => {
    const where = reference.includes(':') ? { digest: reference as never } : { tag: reference as never }
    return (await target.backend.records.manifestStat(repository as never, where))?.digest
  }
  assert.deepEqual([await at('m/a', '1'), await at('m/b', 'all')], [image.digest, index.digest])
  const listed = await target.backend.records.referrers('m/b' as never, index.digest, { limit: 10 })
  assert.deepEqual(
    listed.map(({ digest }) => digest),
    [referrers[0]?.digest],
  )
  const told = target.events.read(undefined, 1_000).events
  const mounted = told.filter(({ attributes }) => attributes['mounted'] === 'true')
  assert.ok(
    mounted.some(({ attributes, subject }) => subject?.id === 'm/b' && attributes['size'] === String(layer.length)),
  )
  assert.ok(told.every(({ attributes }) => attributes['actor'] === 'copier'))
  await client.ask('DELETE', '/v2/b/manifests/all')
  await client.ask('DELETE', `/v2/a/manifests/${image.digest}`)
  await settled(registry)
  assert.deepEqual([await at('m/b', 'all'), await at('m/b', index.digest)], [undefined, index.digest])
  assert.deepEqual([await at('m/a', '1'), await at('m/a', image.digest)], [undefined, undefined])
  // What is there already is not sent again: nothing would end where two registries copy to each other.
  const before = target.events.last
  await registry.replications.sync({ name: 'copy' })
  await settled(registry)
  assert.equal(target.events.last, before)
})

test('a target that is down gets everything when it is up, and the last state of what changed often', async () => {
  const target = await startRegistry()
  const { port } = new URL(target.url)
  await target[Symbol.asyncDispose]()
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  await registry.replications.set({ name: 'copy', repositories: ['*'], targetUrl: target.url, deletes: true })
  await client.pushImage('app', 'gone', blobOf(10))
  await client.ask('DELETE', '/v2/app/manifests/gone')
  for (let count = 0; count < 20; count++) await client.pushImage('app', 'moves', blobOf(10))
  const last = await client.pushImage('app', 'moves', blobOf(10))
  await until(async () => (await standing(registry)).state === 'failing', 'it fails')
  const failing = await standing(registry)
  assert.match(failing.error, /ECONNREFUSED/)
  assert.ok(failing.pending >= 1 && failing.pending <= 3, `${failing.pending} wait`)
  await using up = await startRegistry({ config: { port: Number(port) } })
  await settled(registry)
  const tags = await up.backend.records.tags('app' as never, { limit: 10 })
  assert.deepEqual(
    tags.map(({ name, target: { digest } }) => [name, digest]),
    [['moves', last.digest]],
  )
  const healed = await standing(registry)
  assert.deepEqual([healed.error, healed.pending, healed.syncing], ['', 0, false])
  assert.ok(healed.copiedAt)
})

test('a target that keeps silent does not hold up another', async () => {
  await using silent = await Receiver.start('hangs')
  await using target = await startRegistry()
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  for (let count = 0; count < 6; count++) await client.pushImage(`a${count}`, '1', blobOf(10))
  const silentUrl = new URL(silent.url).origin
  await registry.replications.set({ name: 'silent', repositories: ['*'], targetUrl: silentUrl })
  await until(() => silent.received.length > 0, 'it is asked')
  await registry.replications.set({ name: 'copy', repositories: ['*'], targetUrl: target.url })
  await settled(registry)
  assert.equal((await target.backend.records.repositories({ limit: 10 })).length, 6)
  assert.notEqual((await standing(registry, 'silent')).state, 'idle')
})

test('a sync that is asked for does not wait until a target is tried again', async () => {
  const target = await startRegistry()
  const { port } = new URL(target.url)
  await target[Symbol.asyncDispose]()
  const outgoing = { ...HASTY, firstRetrySeconds: 100, mostRetrySeconds: 100 }
  await using registry = await serveRegistry({ config: { outgoing } })
  await new Client(registry.url).pushImage('app', '1', blobOf(10))
  await registry.replications.set({ name: 'copy', repositories: ['*'], targetUrl: target.url })
  await until(async () => (await standing(registry)).state === 'failing', 'it fails')
  await using up = await startRegistry({ config: { port: Number(port) } })
  await registry.replications.sync({ name: 'copy' })
  await settled(registry)
  assert.equal((await up.backend.records.tags('app' as never, { limit: 10 })).length, 1)
})

test('copies only the tags that are wanted, and what refers to them; nothing that is mirrored; no removals', async () => {
  await using target = await startRegistry()
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  await client.pushImage('hub/debian', 'v1', blobOf(10))
  await registry.upstreams.set({ name: 'hub.example', url: 'https://hub.example', prefix: 'hub', adopt: true })
  const rule = { name: 'copy', repositories: ['*', 'hub/*'], tags: 'v*', targetUrl: target.url }
  await registry.replications.set(rule)
  const wanted = await client.pushImage('app', 'v1', blobOf(10))
  const other = await client.pushImage('app', 'nightly', blobOf(10))
  await settled(registry)
  const signature = await pushReferrer(client, 'app', descriptorOf(wanted.bytes, wanted.mediaType))
  await pushReferrer(client, 'app', descriptorOf(other.bytes, other.mediaType))
  await client.ask('DELETE', '/v2/app/manifests/v1')
  await settled(registry)
  await registry.replications.sync({ name: 'copy' })
  await settled(registry)
  const pushed = target.events.read(undefined, 1_000).events.filter(({ type }) => type === 'manifest.pushed')
  assert.deepEqual(
    pushed.map(({ attributes }) => attributes['digest']),
    [wanted.digest, signature.digest],
  )
  assert.equal((await target.backend.records.tags('app' as never, { limit: 10 })).length, 1)
  await registry.replications.delete({ name: 'copy' })
  await client.pushImage('app', 'v2', blobOf(10))
  await sleep(500)
  assert.equal((await target.backend.records.tags('app' as never, { limit: 10 })).length, 1)
  await assert.rejects(registry.replications.sync({ name: 'copy' }), { reason: 'REPLICATION_NOT_FOUND' })
})

test('one manifest that is refused holds up no other', async () => {
  await using target = await startRegistry({ config: { policy: { deletes: true, immutableTags: ['fixed'] } } })
  await new Client(target.url).pushImage('app', 'fixed', blobOf(10))
  await using registry = await serveRegistry()
  const client = new Client(registry.url)
  await client.pushImage('app', 'fixed', blobOf(10))
  for (let count = 0; count < 30; count++) await client.pushImage('app', `t${count}`, blobOf(10))
  await registry.replications.set({ name: 'copy', repositories: ['*'], targetUrl: target.url })
  await until(async () => (await target.backend.records.tags('app' as never, { limit: 100 })).length === 31, 'all else')
  await until(async () => (await standing(registry)).state === 'failing', 'it is told')
  const { error, pending } = await standing(registry)
  assert.match(error, /TAG_IMMUTABLE|immutable|frozen|DENIED/i)
  assert.equal(pending, 1)
})

test('goes through many repositories and tags when a rule is new', async () => {
  await using target = await startRegistry()
  await using registry = await serveRegistry({ config: { outgoing: { ...HASTY, copiesAtOnce: 8 } } })
  const client = new Client(registry.url)
  const image = await client.pushImage('many/tags', 't0', Buffer.from('one layer for all'))
  for (let count = 1; count < 250; count++) await client.pushManifest('many/tags', `t${count}`, image)
  for (let count = 0; count < 105; count++) await client.pushImage(`many/r${count}`, '1', Buffer.from('the same'))
  await registry.replications.set({ name: 'copy', repositories: ['many/*'], targetUrl: target.url })
  await until(async () => (await standing(registry)).state === 'idle', 'all is copied', 90_000)
  const names = await target.backend.records.repositories({ limit: 1_000 })
  assert.equal(names.length, 106)
  assert.equal((await target.backend.records.tags('many/tags' as never, { limit: 1_000 })).length, 250)
})

test('refuses what cannot be right, and sends a password that it keeps nowhere else', async () => {
  await using registry = await serveRegistry()
  const good = { name: 'a', repositories: ['team/*'], targetUrl: 'https://a.example', username: 'me', password: 'pw' }
  const wrong: Partial<Replication>[] = [
    { name: 'A' },
    { repositories: [] },
    { repositories: ['**'] },
    { targetUrl: 'http://a.example' },
    { targetUrl: 'https://a.example/v2' },
    { targetUrl: 'https://me:pw@a.example' },
    { targetUrl: 'https://a_b.example' },
    { prefix: 'no-slash' },
    { prefix: '/a/' },
    { prefix: 'UPPER/' },
    { username: '' },
    { username: 'a:b' },
    { password: '' },
    { password: 'a\nb' },
    { tags: 'x'.repeat(300) },
  ]
  for (const part of wrong)
    await assert.rejects(registry.replications.set({ ...good, ...part }), { reason: 'INVALID' }, JSON.stringify(part))
  await registry.replications.set(good)
  assert.ok((await registry.replications.set({ ...good, password: '', deletes: true })).hasPassword)
  for (const part of [{ targetUrl: 'https://b.example' }, { username: 'you' }])
    await assert.rejects(registry.replications.set({ ...good, password: '', ...part }), /password/)
})
