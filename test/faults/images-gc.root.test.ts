import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, Channel } from '@caisson/api'
import { ContentDefinition, LeasesDefinition, StoreDefinition } from '@caisson/api/content'
import { ImagesDefinition } from '@caisson/api/image'
import { SnapshotKind, SnapshotsDefinition } from '@caisson/api/snapshot'
import { type DockerRegistry, needsDockerRegistry, needsRoot, startDockerRegistry, tar } from '@caisson/testkit'
import { type RandomNumbers, randomNumbers } from '@caisson/testkit/random'

const skip = needsRoot() || needsDockerRegistry()
const MAIN = join(import.meta.dirname, '../../services/image-store/src/main.ts')
const SECONDS = Number(process.env['CAISSON_STRESS_SECONDS'] ?? 15)
const SEED = Number(process.env['CAISSON_STRESS_SEED'] ?? Date.now() % 1_000_000)
const ROUND_SECONDS = 10
const WORKERS = 4
const CONFIG = {
  gc: { intervalSeconds: 1, highPercent: 100, lowPercent: 100 },
  diskReserveBytes: 0,
  maxPartialAgeSeconds: 0,
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const layers = Array.from({ length: 5 }, (_, index) =>
  tar([
    { path: `dir${index}`, type: 'directory' },
    { path: `dir${index}/file`, content: Buffer.alloc(20_000 + 60_000 * index, `layer ${index} `) },
  ]),
)

/** A docker-archive with an image of these layers. */
function archive(name: string, chosen: readonly Buffer[]): Buffer {
  const diffIds = chosen.map((layer) => `sha256:${sha256(layer)}`)
  const rootfs = { type: 'layers', diff_ids: diffIds }
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const config = JSON.stringify({ architecture, os: 'linux', config: { Cmd: ['/x'] }, rootfs })
  const paths = chosen.map((_, index) => `${index}.tar`)
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: paths }])
  return tar([
    { path: 'config.json', content: config },
    ...chosen.map((content, index) => ({ path: `${index}.tar`, content })),
    { path: 'manifest.json', content: manifest },
  ])
}

async function* upload<O>(options: O, bytes: Buffer) {
  yield { item: { $case: 'options' as const, value: options } }
  for (let at = 0; at < bytes.length; at += 65_536)
    yield { item: { $case: 'chunk' as const, value: bytes.subarray(at, at + 65_536) } }
}

/** The service as a process that is killed and started again. */
class Service implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'csn-stress-'))
  readonly dataDir = join(this.root, 'image-store')
  kills = 0
  #child: ChildProcess | undefined
  #channel: Channel | undefined
  #serving = Promise.withResolvers<Channel>()

  async start(): Promise<void> {
    mkdirSync(join(this.root, 'etc'), { recursive: true })
    writeFileSync(join(this.root, 'etc/image-store.json'), JSON.stringify(CONFIG))
    const env = { PATH: process.env['PATH'] }
    this.#child = spawn(process.execPath, [MAIN, '--root', this.root], { stdio: ['ignore', 'ignore', 'inherit'], env })
    this.#channel = new Channel(`unix://${join(this.root, 'run/image-store.sock')}`)
    await this.#channel.ready(60_000)
    this.#serving.resolve(this.#channel)
  }

  async kill(): Promise<void> {
    this.kills += 1
    this.#serving = Promise.withResolvers()
    const child = this.#child
    child?.kill('SIGKILL')
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    this.#channel?.[Symbol.dispose]()
  }

  /** Clients of the process that serves now, or next. */
  async clients() {
    const channel = await this.#serving.promise
    return {
      images: channel.client(ImagesDefinition),
      snapshots: channel.client(SnapshotsDefinition),
      content: channel.client(ContentDefinition),
      leases: channel.client(LeasesDefinition),
      store: channel.client(StoreDefinition),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.root, { recursive: true, force: true })
  }
}

type Clients = Awaited<ReturnType<Service['clients']>>
const LIMIT = { deadlineMs: 60_000 }

/** A client with names and keys of its own, that knows what was acknowledged. Undefined: an answer was lost. */
class Client {
  readonly names = new Map<string, string | undefined>()
  readonly snapshots = new Map<string, string | undefined>()
  /** Committed snapshots, and the digests of their layers; empty where that was not answered. */
  readonly committed = new Map<string, string | undefined>()
  readonly done = new Map<string, number>()
  readonly #service: Service
  readonly #registry: DockerRegistry
  readonly #id: number
  readonly #random: RandomNumbers
  #lease: string | undefined

  constructor(service: Service, registry: DockerRegistry, id: number) {
    this.#service = service
    this.#registry = registry
    this.#id = id
    this.#random = randomNumbers(SEED + id)
  }

  async work(signal: AbortSignal): Promise<void> {
    const works = [this.#import, this.#load, this.#load, this.#tag, this.#remove, this.#remove, this.#prune]
    const more = [this.#prepare, this.#prepare, this.#release, this.#release, this.#collect, this.#leases]
    const commits = [this.#commit, this.#commit, this.#dropCommitted]
    const all = [...works, ...more, ...commits, this.#push, this.#pull, this.#pull]
    while (!signal.aborted) {
      const clients = await this.#service.clients()
      const work = all[this.#random(all.length)] ?? this.#import
      await work.call(this, clients).catch((error: unknown) => this.#accept(error))
    }
  }

  /** What a kill, or another client, may cause. */
  #accept(error: unknown): void {
    const { code, reason } = CaissonError.from(error)
    const isKill = code === 'unavailable' || code === 'cancelled'
    const isRefusal = reason === 'IMAGE_IN_USE' || reason === 'LEASE_NOT_FOUND'
    if (!isKill && !isRefusal) throw error
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1)
  }

  #freeName(): string {
    const host = this.#random(2) === 0 ? 'local.test' : this.#registry.address
    return `${host}/w${this.#id}:${this.#random(4)}`
  }

  #any(things: ReadonlyMap<string, string | undefined>): string | undefined {
    const sure = [...things].filter(([, value]) => value !== undefined)
    return sure[this.#random(Math.max(1, sure.length))]?.[0]
  }

  /** Does something to a name: what it means is not sure until that is answered. */
  async #named(name: string, work: () => Promise<string | undefined>): Promise<void> {
    const before = this.names.get(name)
    this.names.set(name, undefined)
    try {
      const id = await work()
      if (id === undefined) this.names.delete(name)
      else this.names.set(name, id)
    } catch (error) {
      if (CaissonError.from(error).reason === 'IMAGE_IN_USE' && before !== undefined) this.names.set(name, before)
      throw error
    }
  }

  async #import({ images }: Clients): Promise<void> {
    const name = this.#freeName()
    const bytes = layers[this.#random(layers.length)] ?? Buffer.alloc(0)
    await this.#named(name, async () => {
      let id: string | undefined
      const options = { reference: name, changes: [], comment: '', platform: undefined, size: bytes.length }
      for await (const { item } of images.import(upload(options, bytes), LIMIT))
        if (item?.$case === 'image') id = item.value.id
      return id
    })
    this.#count('import')
  }

  async #load({ images }: Clients): Promise<void> {
    const name = this.#freeName()
    const from = this.#random(3)
    const bytes = archive(name, layers.slice(from, from + 1 + this.#random(3)))
    await this.#named(name, async () => {
      let id: string | undefined
      const options = { reference: '', platform: undefined, size: bytes.length }
      for await (const { item } of images.load(upload(options, bytes), LIMIT))
        if (item?.$case === 'image') id = item.value.id
      return id
    })
    this.#count('load')
  }

  async #tag({ images }: Clients): Promise<void> {
    const image = this.#any(this.names)
    const reference = this.#freeName()
    if (image === undefined || image === reference) return
    await this.#named(reference, async () => (await images.tag({ image, reference }, LIMIT)).id)
    this.#count('tag')
  }

  async #remove({ images }: Clients): Promise<void> {
    const image = this.#any(this.names)
    if (image === undefined) return
    await this.#named(image, async () => {
      await images.remove({ image }, LIMIT)
      return undefined
    })
    this.#count('remove')
  }

  async #prune({ images }: Clients): Promise<void> {
    await images.prune({}, LIMIT)
    this.#count('prune')
  }

  async #prepare({ snapshots }: Clients): Promise<void> {
    const image = this.#any(this.names)
    const key = `w${this.#id}-${this.#random(6)}`
    if (image === undefined || this.snapshots.has(key)) return
    this.snapshots.set(key, undefined)
    const { mount } = await snapshots.prepare({ key, base: { $case: 'image', value: image } }, LIMIT)
    for (const path of [...(mount?.lowerDirs ?? []), mount?.upperDir ?? '']) assert.ok(existsSync(path), path)
    this.snapshots.set(key, image)
    this.#count('prepare')
  }

  async #release({ snapshots }: Clients): Promise<void> {
    const key = this.#any(this.snapshots)
    if (key === undefined) return
    this.snapshots.set(key, undefined)
    await snapshots.remove({ key }, LIMIT)
    this.snapshots.delete(key)
    this.#count('release')
  }

  /** Makes a layer of something new in a snapshot. */
  async #commit({ snapshots }: Clients): Promise<void> {
    const key = this.#any(this.snapshots)
    const committedKey = `c${this.#id}-${this.#random(4)}`
    if (key === undefined || this.committed.has(committedKey)) return
    const { mount } = await snapshots.get({ key }, LIMIT)
    writeFileSync(join(mount?.upperDir ?? '', `new-${this.#random(3)}`), Buffer.alloc(this.#random(100_000), 'new '))
    this.committed.set(committedKey, undefined)
    const { snapshot, layer } = await snapshots.commit({ key, committedKey }, LIMIT)
    assert.equal(snapshot?.key, committedKey)
    this.committed.set(committedKey, layer?.digest ?? '')
    this.#count('commit')
  }

  async #dropCommitted({ snapshots }: Clients): Promise<void> {
    const key = this.#any(this.committed)
    if (key === undefined) return
    this.committed.set(key, undefined)
    await snapshots.remove({ key }, LIMIT)
    this.committed.delete(key)
    this.#count('drop of a commit')
  }

  async #collect({ store }: Clients): Promise<void> {
    await store.collectGarbage({ applyPolicy: true }, LIMIT)
    this.#count('collect')
  }

  async #leases({ leases }: Clients): Promise<void> {
    if (this.#lease !== undefined) await leases.release({ id: this.#lease }, LIMIT)
    this.#lease = (await leases.create({ ttlSeconds: 1 + this.#random(20) }, LIMIT)).id
    const resource = this.#any(this.names)
    if (resource !== undefined) await leases.addResource({ id: this.#lease, resource }, LIMIT)
    this.#count('lease')
  }

  async #push({ images }: Clients): Promise<void> {
    const reference = this.#any(this.names)
    if (!reference?.startsWith(this.#registry.address)) return
    for await (const _ of images.push({ reference }, LIMIT));
    this.#count('push')
  }

  async #pull({ images }: Clients): Promise<void> {
    const reference = `${this.#registry.address}/w${this.#id}:${this.#random(4)}`
    const before = this.names.get(reference)
    const wasThere = this.names.has(reference)
    try {
      await this.#named(reference, async () => {
        let id: string | undefined
        for await (const { item } of images.pull({ reference }, LIMIT)) if (item?.$case === 'image') id = item.value.id
        return id
      })
      this.#count('pull')
    } catch (error) {
      if (CaissonError.from(error).code !== 'not-found') throw error
      if (wasThere) this.names.set(reference, before)
      else this.names.delete(reference)
    }
  }

  /** Everything that was acknowledged is there, and what is not sure becomes so. */
  async check(clients: Clients): Promise<void> {
    await this.#checkNames(clients)
    await this.#checkSnapshots(clients)
    await this.#checkCommitted(clients)
  }

  async #checkNames({ images, snapshots }: Clients): Promise<void> {
    for (const [name, id] of this.names) {
      const image = await images.get({ image: name }, LIMIT).catch(unlessMissing)
      if (id !== undefined) assert.equal(image?.id, id, `${name} is another image`)
      if (!image) {
        this.names.delete(name)
        continue
      }
      this.names.set(name, image.id)
      const key = `check-${this.#id}`
      const { mount } = await snapshots.view({ key, base: { $case: 'image', value: name } }, LIMIT)
      for (const path of mount?.lowerDirs ?? []) assert.ok(existsSync(path), `${name} misses ${path}`)
      await snapshots.remove({ key }, LIMIT)
    }
  }

  async #checkSnapshots({ snapshots }: Clients): Promise<void> {
    for (const [key, image] of this.snapshots) {
      const found = await snapshots.get({ key }, LIMIT).catch(unlessMissing)
      if (image !== undefined) assert.ok(found, `the snapshot ${key} is lost`)
      if (!found) this.snapshots.delete(key)
      else {
        this.snapshots.set(key, image ?? 'found')
        for (const path of [...(found.mount?.lowerDirs ?? []), found.mount?.upperDir ?? ''])
          assert.ok(existsSync(path), key)
      }
    }
  }

  /** A committed snapshot has its blob, and can be stood on. */
  async #checkCommitted({ snapshots, content }: Clients): Promise<void> {
    for (const [parent, digest] of this.committed) {
      const found = await snapshots.get({ key: parent }, LIMIT).catch(unlessMissing)
      if (digest !== undefined) assert.ok(found, `the committed snapshot ${parent} is lost`)
      if (digest) await content.stat({ digest }, LIMIT)
      if (!found) {
        this.committed.delete(parent)
        continue
      }
      this.committed.set(parent, digest ?? '')
      const key = `check-${this.#id}`
      const { mount } = await snapshots.view({ key, base: { $case: 'parent', value: parent } }, LIMIT)
      for (const path of mount?.lowerDirs ?? []) assert.ok(existsSync(path), `${parent} misses ${path}`)
      await snapshots.remove({ key }, LIMIT)
    }
  }
}

function unlessMissing(error: unknown): undefined {
  if (CaissonError.from(error).code !== 'not-found') throw error
}

async function eventually(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!check()) {
    assert.ok(performance.now() < deadline, `${what}: not within a minute`)
    await sleep(50)
  }
}

const isEmpty = (path: string): boolean => readdirSync(path).length === 0

async function checkStore(service: Service): Promise<void> {
  const { store, content, snapshots } = await service.clients()
  await store.collectGarbage({}, LIMIT)
  const damages: string[] = []
  for await (const { item } of store.verify({}, LIMIT))
    if (item?.$case === 'damage') damages.push(`${item.value.subject}: ${item.value.message}`)
  assert.deepEqual(damages, [])
  for (const name of ['trash', 'staging']) await eventually(name, () => isEmpty(join(service.dataDir, name)))
  const rows = (await content.list({}, LIMIT)).blobs.map(({ digest }) => digest.replace(/^.*:/, '')).sort()
  const files = readdirSync(join(service.dataDir, 'blobs'), { recursive: true, withFileTypes: true })
  assert.deepEqual(
    files
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort(),
    rows,
  )
  const usage = await store.diskUsage({}, LIMIT)
  assert.equal(readdirSync(join(service.dataDir, 'layers')).length, usage.layers)
  const listed = (await snapshots.list({}, LIMIT)).snapshots.filter(({ kind }) => kind !== SnapshotKind.COMMITTED)
  const keys = listed.map(({ key }) => key).sort()
  assert.deepEqual(readdirSync(join(service.dataDir, 'snapshots')).sort(), keys)
}

async function killAtRandom(service: Service, pick: RandomNumbers, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(2_000 + pick(6_000))
    if (signal.aborted) return
    await service.kill()
    await service.start()
  }
}

async function removeEverything(service: Service, clients: readonly Client[]): Promise<void> {
  const { images, snapshots, leases, store } = await service.clients()
  for (const client of clients)
    for (const key of [...client.snapshots.keys(), ...client.committed.keys()]) await snapshots.remove({ key }, LIMIT)
  for (const { id } of (await leases.list({}, LIMIT)).leases) await leases.release({ id }, LIMIT)
  await images.prune({ all: true }, LIMIT)
  await store.collectGarbage({}, LIMIT)
  await checkStore(service)
  const usage = await store.diskUsage({}, LIMIT)
  const { contentBytes, layerBytes, snapshotBytes, partialBytes, stagingBytes, trashBytes, imageCount } = usage
  const left = { contentBytes, layerBytes, snapshotBytes, partialBytes, stagingBytes, trashBytes, imageCount }
  assert.deepEqual(left, Object.fromEntries(Object.keys(left).map((name) => [name, 0])))
}

test(`loses nothing and leaves nothing when everything happens at once and it is killed (seed ${SEED})`, {
  skip,
  timeout: (SECONDS + 240) * 1_000,
}, async (t) => {
  await using registry = await startDockerRegistry()
  await using service = new Service()
  await service.start()
  const clients = Array.from({ length: WORKERS }, (_, id) => new Client(service, registry, id))
  const pick = randomNumbers(SEED)
  const end = performance.now() + SECONDS * 1_000
  for (let rounds = 1; performance.now() < end; rounds++) {
    const stop = AbortSignal.timeout(Math.ceil(Math.min(end - performance.now(), ROUND_SECONDS * 1_000)))
    await Promise.all([...clients.map((client) => client.work(stop)), killAtRandom(service, pick, stop)])
    for (const client of clients) await client.check(await service.clients())
    await checkStore(service)
    t.diagnostic(`round ${rounds} is whole, after ${service.kills} kills`)
  }
  const done = clients.map((client) => Object.fromEntries(client.done))
  t.diagnostic(`${service.kills} kills; ${JSON.stringify(done)}`)
  await removeEverything(service, clients)
})
