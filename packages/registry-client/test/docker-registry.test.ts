import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { certificateAuthority, needsDockerRegistry, startDockerRegistry, tokenServer } from '@caisson/testkit'
import {
  anonymous,
  createRegistryClient,
  type RegistryAuth,
  type RegistryClient,
  registriesConfig,
  registryHosts,
  staticCredentials,
} from '../src/index.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { calm, pieces, pushImage, putBytes, readBlob, smallImage } from './image.ts'

const skip = needsDockerRegistry()
const dir = mkdtempSync(join(tmpdir(), 'csn-regclient-'))
after(() => rmSync(dir, { recursive: true, force: true }))

function clientOf(config: object = {}, users?: Record<string, RegistryAuth>): RegistryClient {
  const hosts = registryHosts(registriesConfig.parse(config))
  return createRegistryClient({
    hosts,
    credentials: users ? staticCredentials(users) : anonymous,
    retry: { attempts: 2, firstDelayMs: 5 },
  })
}

test('pushes an image and pulls the same bytes back', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'team/app' })
  const image = smallImage(3_000_000)
  assert.equal(await repository.resolve('1', calm), undefined)
  assert.equal(await repository.hasBlob(image.layerDigest, calm), false)
  await pushImage(repository, '1', image)
  assert.equal(await repository.hasBlob(image.layerDigest, calm), true)
  const { digest, bytes, mediaType } = await repository.manifest('1', calm)
  assert.deepEqual([digest, mediaType], [image.manifest.digest, MEDIA_TYPE.ociManifest])
  assert.ok(bytes.equals(image.manifest.bytes))
  const resolved = await repository.resolve('1', calm)
  assert.deepEqual(resolved, { digest, mediaType, size: bytes.length })
  assert.ok((await repository.manifest(digest, calm)).bytes.equals(bytes))
  assert.ok((await readBlob(repository, image.layerDigest, image.layer.length)).equals(image.layer))
})

test('reads a blob from an offset on', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  const image = smallImage(500_000)
  await putBytes(repository, image.layer)
  const rest = await readBlob(repository, image.layerDigest, image.layer.length, 123_456)
  assert.ok(rest.equals(image.layer.subarray(123_456)))
})

test('says what is missing: a manifest, a blob, a repository', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  const where = { registry: registry.address, repository: 'a' }
  const digest = digestOf('nothing')
  await assert.rejects(repository.manifest('none', calm), (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && 'details' in error)
    assert.equal(error.code, 'not-found')
    assert.deepEqual({ ...where, ...(error.details as object) }, error.details)
    return true
  })
  await assert.rejects(repository.blob({ digest, size: 1 }, 0, calm), { code: 'not-found', reason: 'BLOB_NOT_FOUND' })
  await assert.rejects(repository.tags(calm)[Symbol.asyncIterator]().next(), { reason: 'REPOSITORY_NOT_FOUND' })
})

test('removes manifests by digest, and says that this registry removes no single tags', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  const image = smallImage(1_000)
  await pushImage(repository, '1', image)
  await assert.rejects(repository.deleteManifest('1', calm), {
    code: 'unimplemented',
    reason: 'REGISTRY_UNSUPPORTED',
  })
  assert.equal(await repository.deleteManifest(image.manifest.digest, calm), true)
  assert.equal(await repository.deleteManifest(image.manifest.digest, calm), false)
  assert.equal(await repository.resolve('1', calm), undefined)
})

test('lists tags', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  const image = smallImage(10)
  await pushImage(repository, 't0', image)
  for (let n = 1; n < 5; n++) await repository.putManifest(`t${n}`, image.manifest, calm)
  assert.deepEqual((await Array.fromAsync(repository.tags(calm))).sort(), ['t0', 't1', 't2', 't3', 't4'])
})

test('takes a blob over from another repository', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const from = client.repository({ registry: registry.address, repository: 'from' })
  const to = client.repository({ registry: registry.address, repository: 'to' })
  const digest = await putBytes(from, Buffer.from('shared'))
  assert.equal(await to.mountBlob(digestOf('unknown'), 'from', calm), false)
  assert.equal(await to.mountBlob(digest, 'from', calm), true)
  assert.equal((await readBlob(to, digest, 6)).toString(), 'shared')
})

test('keeps the list of referrers in the fallback tag', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  const image = smallImage(10)
  await pushImage(repository, '1', image)
  const subject = {
    mediaType: MEDIA_TYPE.ociManifest,
    digest: image.manifest.digest,
    size: image.manifest.bytes.length,
  }
  assert.deepEqual(await repository.referrers(subject.digest, undefined, calm), [])
  for (const artifactType of ['application/x.one', 'application/x.two']) {
    const about = smallImage(10, { subject, artifactType, annotations: { of: artifactType } })
    await putBytes(repository, about.layer)
    const put = await repository.putManifest(about.manifest.digest, about.manifest, calm)
    assert.deepEqual(put, { digest: about.manifest.digest, subject: subject.digest })
  }
  assert.equal((await repository.referrers(subject.digest, undefined, calm)).length, 2)
  const [one, ...more] = await repository.referrers(subject.digest, 'application/x.one', calm)
  assert.deepEqual(
    [one?.artifactType, one?.annotations, more.length],
    ['application/x.one', { of: 'application/x.one' }, 0],
  )
})

test('logs in with a user and a password, and says so when they are wrong or missing', { skip }, async () => {
  await using registry = await startDockerRegistry({ auth: { users: { ann: 'pass:word' } } })
  const name = { registry: registry.address, repository: 'a' }
  const image = smallImage(1000)
  await using client = clientOf({}, { [registry.address]: { username: 'ann', password: 'pass:word' } })
  await pushImage(client.repository(name), '1', image)
  assert.ok((await readBlob(client.repository(name), image.layerDigest, 1000)).equals(image.layer))
  for (const auth of [{}, { username: 'ann', password: 'wrong-word' }]) {
    const denied = client.repository(name, auth)
    await assert.rejects(denied.manifest('1', calm), (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error)
      assert.equal(error.code, 'unauthenticated')
      assert.match(error.message, /log in/)
      assert.doesNotMatch(error.message, /wrong-word/)
      return true
    })
  }
})

test('gets tokens from a token server, over TLS of an own certificate authority', { skip }, async () => {
  const ca = certificateAuthority(dir)
  const certificate = ca.issue('registry', ['127.0.0.1'])
  await using tokens = await tokenServer({
    certificate,
    tls: certificate,
    users: { ann: 'secret' },
    anonymousActions: ['pull'],
  })
  const token = { realm: tokens.realm, service: tokens.service, issuer: tokens.issuer, rootCert: ca.certFile }
  await using registry = await startDockerRegistry({ tls: certificate, auth: { token } })
  const name = { registry: registry.address, repository: 'team/app' }
  const image = smallImage(200_000)
  await using client = clientOf({ [registry.address]: { caFile: ca.certFile } })
  await pushImage(client.repository(name, { username: 'ann', password: 'secret' }), '1', image)
  const asked = tokens.requests.length
  assert.ok(asked <= 2, `${asked} tokens for one push`)

  const identity = client.repository(name, { identityToken: tokens.refreshToken('ann') })
  await identity.putManifest('2', image.manifest, calm)
  assert.equal(tokens.requests.at(-1)?.grantType, 'refresh_token')

  const nobody = client.repository(name)
  assert.ok((await readBlob(nobody, image.layerDigest, image.layer.length)).equals(image.layer))
  await assert.rejects(nobody.putManifest('3', image.manifest, calm), { code: 'unauthenticated' })
  await assert.rejects(client.repository(name, { username: 'ann', password: 'no' }).manifest('1', calm), {
    code: 'unauthenticated',
    reason: 'REGISTRY_LOGIN_REQUIRED',
  })
  const other = client.repository({ ...name, repository: 'team/other' }, { username: 'ann', password: 'secret' })
  assert.equal(await other.mountBlob(image.layerDigest, 'team/app', calm), true)
})

test('trusts no certificate that it need not, and never falls back to http', { skip }, async () => {
  const ca = certificateAuthority(dir, 'other-ca')
  const certificate = ca.issue('tls', ['127.0.0.1'])
  await using registry = await startDockerRegistry({ tls: certificate })
  const name = { registry: registry.address, repository: 'a' }
  await using client = clientOf({ '*': { plainHttp: false } })
  await assert.rejects(client.repository(name).manifest('1', calm), {
    code: 'failed-precondition',
    reason: 'REGISTRY_TLS',
  })
})

test('uploads over connections that break', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using proxy = await cuttingProxy(registry.address, 3_000_000, 2)
  await using client = createRegistryClient({
    hosts: registryHosts(),
    credentials: anonymous,
    retry: { attempts: 5, firstDelayMs: 50 },
  })
  const image = smallImage(8_000_000)
  const repository = client.repository({ registry: proxy.address, repository: 'a' })
  const offsets: number[] = []
  const open = (offset: number): AsyncIterable<Buffer> => {
    offsets.push(offset)
    return pieces(image.layer, offset)
  }
  await repository.putBlob({ digest: image.layerDigest, size: image.layer.length }, open, () => {}, calm)
  assert.equal(proxy.cuts(), 2)
  // docker-registry 2.8 takes no upload up again whose connection broke: it begins anew.
  assert.equal(offsets.length, 3)
  const direct = client.repository({ registry: registry.address, repository: 'a' })
  assert.ok((await readBlob(direct, image.layerDigest, image.layer.length)).equals(image.layer))
})

test('reads a blob on from where the connection broke', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const image = smallImage(8_000_000)
  await putBytes(client.repository({ registry: registry.address, repository: 'a' }), image.layer)
  await using proxy = await cuttingProxy(registry.address, 3_000_000, 1)
  const repository = client.repository({ registry: proxy.address, repository: 'a' })
  const chunks: Buffer[] = []
  const readFrom = async (offset: number): Promise<void> => {
    const stream = await repository.blob({ digest: image.layerDigest, size: image.layer.length }, offset, calm)
    assert.equal(stream.offset, offset)
    for await (const chunk of stream.chunks) chunks.push(chunk)
  }
  await assert.rejects(readFrom(0), { code: 'unavailable' })
  const kept = Buffer.concat(chunks).length
  assert.ok(kept > 0)
  await readFrom(kept)
  assert.ok(Buffer.concat(chunks).equals(image.layer))
})

test('pulls through a cache of the registry, and from the registry when the cache is gone', { skip }, async () => {
  await using registry = await startDockerRegistry()
  await using cache = await startDockerRegistry({ proxyOf: registry.url })
  const config = { [registry.address]: { mirrors: [{ url: cache.url }] } }
  await using client = clientOf(config)
  const repository = client.repository({ registry: registry.address, repository: 'team/app' })
  const image = smallImage(300_000)
  await pushImage(repository, '1', image)
  for (const _ of ['with the cache', 'without']) {
    assert.equal((await repository.manifest('1', calm)).digest, image.manifest.digest)
    assert.ok((await readBlob(repository, image.layerDigest, image.layer.length)).equals(image.layer))
    await cache.stop()
  }
})

test('pushes what skopeo pulls, byte by byte', { skip: skip || needsSkopeo() }, async () => {
  await using registry = await startDockerRegistry()
  await using client = clientOf()
  const repository = client.repository({ registry: registry.address, repository: 'team/app' })
  const image = smallImage(300_000)
  await pushImage(repository, '1', image)
  const name = `docker://${registry.address}/team/app:1`
  const raw = execFileSync('skopeo', ['inspect', '--raw', '--tls-verify=false', name])
  assert.ok(raw.equals(image.manifest.bytes))
  const copy = `docker://${registry.address}/team/copy:2`
  execFileSync(
    'skopeo',
    [
      '--insecure-policy',
      'copy',
      '--preserve-digests',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      name,
      copy,
    ],
    { stdio: 'ignore' },
  )
  const copied = client.repository({ registry: registry.address, repository: 'team/copy' })
  assert.equal((await copied.manifest('2', calm)).digest, image.manifest.digest)
})

function needsSkopeo(): false | string {
  return existsSync('/usr/bin/skopeo') ? false : "needs Debian's package skopeo"
}
