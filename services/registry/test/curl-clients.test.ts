import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { lacks, run } from './programs.ts'
import { blobOf } from './registry.ts'
import { grant, PASSWORD, type RegistryWithUsers, startWithUsers } from './registry-users.ts'

const skip = lacks('curl')
const EMPTY = Buffer.from('{}')
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json'

/** A user of curl, and what it does to a registry. */
class Curl {
  readonly #registry: RegistryWithUsers
  #token = ''

  constructor(registry: RegistryWithUsers) {
    this.#registry = registry
  }

  /** Gets a token as the challenge says. */
  async login(user: string, scope: string): Promise<void> {
    const challenge = await this.ask('/v2/')
    const realm = /realm="([^"]+)",service="([^"]+)"/.exec(challenge.head) ?? []
    const url = `${realm[1]}?service=${realm[2]}&scope=${encodeURIComponent(scope)}`
    const { output } = await run('curl', ['-sS', '-u', `${user}:${PASSWORD}`, url])
    this.#token = (JSON.parse(output) as { token: string }).token
  }

  async ask(
    path: string,
    ...args: string[]
  ): Promise<{ status: number; head: string; location: string; body: Buffer }> {
    const [head, body] = [join(this.#registry.dir, 'head'), join(this.#registry.dir, 'body')]
    writeFileSync(body, '')
    const bearer = this.#token === '' ? [] : ['-H', `Authorization: Bearer ${this.#token}`]
    const url = new URL(path, this.#registry.url).href
    const ran = await run('curl', ['-sS', '-D', head, '-o', body, ...bearer, ...args, url])
    assert.equal(ran.code, 0, ran.output)
    const text = readFileSync(head, 'utf8')
    const status = Number([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].at(-1)?.[1])
    return { status, head: text, location: /^location: (\S+)/im.exec(text)?.[1] ?? '', body: readFileSync(body) }
  }

  /** By the file's own way: with Expect, and a length or in pieces. */
  async pushBlob(repository: string, bytes: Buffer, how: 'length' | 'pieces'): Promise<void> {
    const file = join(this.#registry.dir, 'upload')
    writeFileSync(file, bytes)
    const begun = await this.ask(`/v2/${repository}/blobs/uploads/`, '-X', 'POST')
    assert.equal(begun.status, 202)
    const more = how === 'pieces' ? ['-H', 'Transfer-Encoding: chunked'] : []
    const sent = await this.ask(begun.location, '-X', 'PATCH', '-H', 'Expect: 100-continue', ...more, '-T', file)
    assert.equal(sent.status, 202, sent.head)
    assert.match(sent.head, /^HTTP\/1\.1 100 /)
    const finished = await this.ask(`${sent.location}?digest=${digestOf(bytes)}`, '-X', 'PUT')
    assert.equal(finished.status, 201, finished.head)
  }

  async pushManifest(repository: string, reference: string, manifest: object): Promise<string> {
    const bytes = Buffer.from(JSON.stringify(manifest))
    const file = join(this.#registry.dir, 'manifest')
    writeFileSync(file, bytes)
    const type = `Content-Type: ${MEDIA_TYPE.ociManifest}`
    const path = `/v2/${repository}/manifests/${reference === '' ? digestOf(bytes) : reference}`
    const { status, body } = await this.ask(path, '-X', 'PUT', '-H', type, '--data-binary', `@${file}`)
    assert.equal(status, 201, body.toString())
    return digestOf(bytes)
  }
}

const descriptor = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })

const artifact = (artifactType: string, layers: readonly object[], more: object = {}) => ({
  ...{ schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, artifactType },
  ...{ config: descriptor(EMPTY, EMPTY_TYPE), layers, ...more },
})

test('artifacts are pushed, found by what they are about, and fetched by curl', { skip }, async () => {
  await using registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  const curl = new Curl(registry)
  assert.equal((await curl.ask('/v2/')).status, 401)
  await curl.login('alice', 'repository:team/artifacts:pull,push')
  assert.equal((await curl.ask('/v2/')).status, 200)
  const [report, model] = [Buffer.from('a report'), blobOf(3_000_000)]
  await curl.pushBlob('team/artifacts', EMPTY, 'length')
  await curl.pushBlob('team/artifacts', report, 'length')
  await curl.pushBlob('team/artifacts', model, 'pieces')

  const title = { 'org.opencontainers.image.title': 'model.bin' }
  const layer = { ...descriptor(model, 'application/vnd.example.model'), annotations: title }
  const subject = artifact('application/vnd.example.model', [layer])
  const digest = await curl.pushManifest('team/artifacts', 'v1', subject)
  const about = { mediaType: MEDIA_TYPE.ociManifest, digest, size: JSON.stringify(subject).length }
  for (const type of ['application/vnd.example.report', 'application/vnd.example.signature'])
    await curl.pushManifest(
      'team/artifacts',
      '',
      artifact(type, [descriptor(report, 'text/plain')], { subject: about }),
    )

  const referrers = async (query: string) => {
    const { status, head, body } = await curl.ask(`/v2/team/artifacts/referrers/${digest}${query}`)
    assert.equal(status, 200)
    const { manifests } = JSON.parse(body.toString()) as { manifests: { artifactType: string }[] }
    return { types: manifests.map(({ artifactType }) => artifactType).sort(), head }
  }
  assert.deepEqual((await referrers('')).types, ['application/vnd.example.report', 'application/vnd.example.signature'])
  const filtered = await referrers('?artifactType=application/vnd.example.report')
  assert.deepEqual(filtered.types, ['application/vnd.example.report'])
  assert.match(filtered.head, /^oci-filters-applied: artifactType/im)

  const manifest = await curl.ask('/v2/team/artifacts/manifests/v1', '-H', `Accept: ${MEDIA_TYPE.ociManifest}`)
  assert.equal(digestOf(manifest.body), digest)
  const fetched = await curl.ask(`/v2/team/artifacts/blobs/${digestOf(model)}`)
  assert.ok(fetched.body.equals(model))
})

test('curl goes on with a download that broke off', { skip }, async () => {
  await using registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  const curl = new Curl(registry)
  await curl.login('alice', 'repository:team/app:pull,push')
  const blob = blobOf(500_000)
  await curl.pushBlob('team/app', blob, 'length')
  const rest = await curl.ask(`/v2/team/app/blobs/${digestOf(blob)}`, '-r', '200000-')
  assert.equal(rest.status, 206)
  assert.ok(rest.body.equals(blob.subarray(200_000)))
  const beyond = await curl.ask(`/v2/team/app/blobs/${digestOf(blob)}`, '-r', '500000-')
  assert.equal(beyond.status, 416)
})

test('a token lets curl do what it was given for, and nothing else', { skip }, async () => {
  await using registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  const curl = new Curl(registry)
  await curl.login('alice', 'repository:team/app:pull')
  for (const [path, ...args] of [
    ['/v2/team/app/blobs/uploads/', '-X', 'POST'],
    ['/v2/team/other/tags/list'],
  ] as const) {
    const { status, head } = await curl.ask(path, ...args)
    assert.equal(status, 401)
    assert.match(head, /error="insufficient_scope"/)
  }
})
