import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Channel } from '@caisson/api'
import { type Image, ImagesDefinition } from '@caisson/api/image'
import { anonymous, createRegistryClient, registryHosts } from '@caisson/registry-client'
import { type DockerRegistry, needsDockerRegistry, needsRoot, startDockerRegistry } from '@caisson/testkit'
import { digest, dockerArchive } from './archives.ts'
import { noise, OCI_INDEX } from './fake-registry.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'
import { ThrottledProxy } from './throttled-proxy.ts'

const hasSkopeo = spawnSync('skopeo', ['--version'], { stdio: 'ignore' }).status === 0
const skip = needsRoot() || needsDockerRegistry() || (hasSkopeo ? false : "needs Debian's package skopeo")
const MAIN = join(import.meta.dirname, '../src/main.ts')
const dir = mkdtempSync(join(tmpdir(), 'csn-images-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const LAYERS = [
  tar([{ path: 'etc/conf', content: 'base' }]),
  tar([{ path: 'big', content: noise('registry', 8 << 20) }]),
  tar([{ path: 'etc/.wh.conf', content: '' }]),
]

const archive = (...names: string[]): Buffer => dockerArchive([{ layers: LAYERS.map((blob) => ({ blob })), names }])

const skopeo = (...args: string[]): Buffer =>
  execFileSync('skopeo', ['--insecure-policy', '--tmpdir', dir, ...args], { maxBuffer: 1 << 28 })

/** A file with the image as a docker-archive, for skopeo. */
function archiveFile(): string {
  const path = join(dir, 'source.tar')
  writeFileSync(path, archive('app:made'))
  return `docker-archive:${path}`
}

const openClient = () => createRegistryClient({ hosts: registryHosts(), credentials: anonymous })

async function open(): Promise<{ registry: DockerRegistry; store: ImageStoreFixture; stack: AsyncDisposableStack }> {
  const stack = new AsyncDisposableStack()
  const registry = stack.use(await startDockerRegistry())
  const registries = stack.use(openClient())
  const store = stack.use(await ImageStoreFixture.open({ registries }))
  return { registry, store, stack }
}

/** Digest and bytes of what a registry has under a name. */
function rawManifest(reference: string): Buffer {
  return skopeo('inspect', '--raw', '--tls-verify=false', `docker://${reference}`)
}

test('pulls what skopeo pushed, in both formats and with each compression, byte for byte', { skip }, async () => {
  const { registry, store, stack } = await open()
  await using _stack = stack
  for (const [format, compression] of [
    ['v2s2', 'gzip'],
    ['oci', 'gzip'],
    ['oci', 'zstd'],
  ] as const) {
    const reference = `${registry.address}/team/app:${format}-${compression}`
    const options = ['--format', format, '--dest-compress-format', compression, '--dest-tls-verify=false']
    skopeo('copy', '--quiet', ...options, archiveFile(), `docker://${reference}`)
    const [image] = await store.pull(reference)
    assert.ok(image?.names.includes(reference))
    const chunks = []
    for await (const { chunk } of store.content.read({ digest: image?.digest ?? '' })) chunks.push(chunk)
    assert.deepEqual(Buffer.concat(chunks), rawManifest(reference))
  }
  const { images } = await store.images.list({})
  assert.equal(new Set(images.map(({ layers }) => layers.map(({ diffId }) => diffId).join())).size, 1)
  assert.equal(readdirSync(store.dir.layers).length, 3)
  const key = { key: 'c', base: { $case: 'image', value: `${registry.address}/team/app:oci-zstd` } } as const
  const { mount } = await store.snapshots.prepare(key)
  assert.ok(mount?.lowerDirs.some((lower) => existsSync(join(lower, 'big'))))
  for await (const { item } of store.maintenance.verify({})) assert.notEqual(item?.$case, 'damage')
})

test('pushes what skopeo then reads, with the same digests, and takes blobs over from other repositories', {
  skip,
}, async () => {
  const { registry, store, stack } = await open()
  await using _stack = stack
  const reference = `${registry.address}/team/app:1`
  const [image] = await store.load(archive(reference))
  const [pushed] = await store.push(reference)
  assert.equal(pushed?.digest, image?.digest)
  const about = JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${reference}`).toString())
  assert.equal(about.Digest, image?.digest)
  assert.deepEqual(
    about.Layers,
    image?.layers.map((layer) => layer.digest),
  )
  skopeo('copy', '--quiet', '--src-tls-verify=false', `docker://${reference}`, `dir:${join(dir, 'copied')}`)
  assert.deepEqual(readFileSync(join(dir, 'copied', image?.layers[1]?.digest.slice(7) ?? '')), LAYERS[1])

  const other = `${registry.address}/elsewhere/app:1`
  await store.images.tag({ image: reference, reference: other })
  const actions = new Set<string>()
  for await (const { item } of store.images.push({ reference: other }))
    if (item?.$case === 'progress' && item.value.action !== 'waiting') actions.add(item.value.action)
  assert.deepEqual([...actions], ['mounted'])
  assert.deepEqual(rawManifest(other), rawManifest(reference))

  await using second = await ImageStoreFixture.open({ registries: stack.use(openClient()) })
  const [back] = await second.pull(`${registry.address}/elsewhere/app@${pushed?.digest}`)
  assert.equal(back?.id, image?.id)
  assert.equal((await second.pull(`${registry.address}/team/app`, { allTags: true })).length, 1)
})

test('carries an index from repository to repository when all of it is here, and else one platform', {
  skip,
}, async () => {
  const { registry, store, stack } = await open()
  await using _stack = stack
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture, variant: '' }))
  const from = { registry: registry.address, repository: 'multi' }
  const manifests = platforms.map(({ os, architecture }) => {
    const path = join(dir, `${architecture}.tar`)
    writeFileSync(
      path,
      dockerArchive([{ layers: LAYERS.slice(0, 1).map((blob) => ({ blob })), names: ['a:1'], architecture }]),
    )
    const target = `${registry.address}/multi:${architecture}`
    const options = ['--format', 'oci', '--dest-tls-verify=false']
    skopeo('copy', '--quiet', ...options, `docker-archive:${path}`, `docker://${target}`)
    const bytes = rawManifest(target)
    const { mediaType } = JSON.parse(bytes.toString())
    return { mediaType, digest: digest(bytes), size: bytes.length, platform: { os, architecture } }
  })
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests }
  const bytes = Buffer.from(JSON.stringify(index))
  const repository = stack.use(openClient()).repository(from)
  await repository.putManifest('1', { mediaType: OCI_INDEX, bytes }, AbortSignal.timeout(20_000))

  const [source, copy] = [`${registry.address}/multi:1`, `${registry.address}/copy/multi:1`]
  await store.pull(source, { platform: platforms[1] })
  await store.images.tag({ image: digest(bytes), reference: copy })
  const [one] = await store.push(copy, { platform: platforms[1] })
  assert.equal(one?.digest, manifests[1]?.digest)
  await store.pull(source, { platform: platforms[0] })
  const [all] = await store.push(copy)
  assert.equal(all?.digest, digest(bytes))
  assert.deepEqual(rawManifest(copy), bytes)
  for (const architecture of ['amd64', 'arm64'])
    skopeo('inspect', '--tls-verify=false', '--override-arch', architecture, `docker://${copy}`)
})

test('says what is wrong with a name, a registry and what it sends', { skip }, async () => {
  const { registry, store, stack } = await open()
  await using _stack = stack
  await assert.rejects(store.pull(`${registry.address}/none:1`), { code: 'not-found' })
  const reference = `${registry.address}/app:1`
  await store.load(archive(reference))
  await store.push(reference)
  const layer = join(registry.dir, 'docker/registry/v2/blobs/sha256')
  const victim = readdirSync(layer, { recursive: true, encoding: 'utf8' }).find(
    (name) => name.endsWith('/data') && statSync(join(layer, name)).size > 8 << 20,
  )
  const path = join(layer, victim ?? '')
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(4 << 20) ^ 1, 4 << 20)
  writeFileSync(path, bytes)
  await using second = await ImageStoreFixture.open({ registries: stack.use(openClient()) })
  await assert.rejects(second.pull(reference), { code: 'data-loss', reason: 'DIGEST_MISMATCH' })
  assert.deepEqual(readdirSync(second.dir.partial), [])
  await registry.stop()
  await assert.rejects(second.pull(reference), { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE' })
})

test('logs in with the credentials of a call', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await startDockerRegistry({ auth: { users: { me: 'a secret word' } } }))
  await using store = await ImageStoreFixture.open({ registries: stack.use(openClient()) })
  const reference = `${registry.address}/app:1`
  await store.load(archive(reference))
  await assert.rejects(store.push(reference), { code: 'unauthenticated' })
  const auth = { username: 'me', password: 'a secret word' }
  await store.push(reference, { auth })
  await store.pull(reference, { auth })
  await assert.rejects(store.pull(reference, { auth: { ...auth, password: 'wrong' } }), { code: 'unauthenticated' })
  await assert.rejects(store.pull(reference), { code: 'unauthenticated' })
})

/** The service as a process of its own. */
class Service implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #channel: Channel

  private constructor(root: string) {
    const env = { PATH: process.env['PATH'] }
    this.#child = spawn(process.execPath, [MAIN, '--root', root], { stdio: ['ignore', 'ignore', 'inherit'], env })
    this.#channel = new Channel(`unix://${join(root, 'run/image-store.sock')}`)
  }

  static async start(root: string): Promise<Service> {
    const service = new Service(root)
    await service.#channel.ready(20_000)
    return service
  }

  async pull(reference: string): Promise<Image | undefined> {
    let image: Image | undefined
    for await (const { item } of this.#channel.client(ImagesDefinition).pull({ reference }))
      if (item?.$case === 'image') image = item.value
    return image
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    this.#channel[Symbol.dispose]()
  }
}

test('goes on after it was killed in the middle of a pull, and fetches no byte twice that it has', {
  skip,
}, async () => {
  await using registry = await startDockerRegistry()
  await using proxy = await ThrottledProxy.open(registry.url)
  const reference = `${proxy.address}/app:1`
  const tls = ['--format', 'oci', '--dest-tls-verify=false']
  skopeo('copy', '--quiet', ...tls, archiveFile(), `docker://${registry.address}/app:1`)
  const root = mkdtempSync(join(dir, 'root-'))
  const partial = join(root, 'image-store/partial')
  const kept = (): number => readdirSync(partial).reduce((sum, name) => sum + statSync(join(partial, name)).size, 0)
  proxy.limit = 5 << 20
  {
    await using service = await Service.start(root)
    const failed = assert.rejects(service.pull(reference))
    for (const deadline = Date.now() + 20_000; kept() < 4 << 20; ) {
      assert.ok(Date.now() < deadline, 'the download does not come')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await service[Symbol.asyncDispose]()
    await failed
  }
  const before = kept()
  const [first, all] = [proxy.served, JSON.parse(rawManifest(`${registry.address}/app:1`).toString())]
  const total = [all.config, ...all.layers].reduce((sum: number, { size }: { size: number }) => sum + size, 0)
  proxy.limit = Number.POSITIVE_INFINITY
  await using service = await Service.start(root)
  const image = await service.pull(reference)
  assert.equal(image?.layers.length, 3)
  // The config is no partial file: it is fetched again.
  assert.equal(proxy.served - first, total - before)
  assert.equal(kept(), 0)
})
