import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CaissonError, Channel, type Partially, RpcServer, type ServiceClient } from '@caisson/api'
import type { Descriptor, Platform } from '@caisson/api/common'
import { ContentDefinition, LeasesDefinition, StoreDefinition } from '@caisson/api/content'
import {
  type Image,
  ImagesDefinition,
  type ImportOptions,
  type LoadOptions,
  type PullRequest,
  type PushRequest,
} from '@caisson/api/image'
import { SnapshotsDefinition } from '@caisson/api/snapshot'
import { TrustDefinition } from '@caisson/api/trust'
import { byteSockets, createLogger, EventLog, Store } from '@caisson/service-kit'
import { configSchema, type ImageStoreConfig, treeLimits } from '../src/config.ts'
import { openStateDir, type StateDir } from '../src/disk/state-dir.ts'
import type { Timers } from '../src/garbage/scheduler.ts'
import { diffTool } from '../src/layer/diff-tool.ts'
import { createDiffer } from '../src/layer/differ.ts'
import { layerTool } from '../src/layer/layer-tool.ts'
import { quotaTool } from '../src/layer/quota-tool.ts'
import { treeTool } from '../src/layer/tree-tool.ts'
import { createUnpacker } from '../src/layer/unpacker.ts'
import type { Registries } from '../src/registry/ports.ts'
import { createImageStore, type ImageStore } from '../src/service.ts'
import { migrations } from '../src/store/migrations.ts'
import type { PolicyPlace } from '../src/trust/policy-file.ts'
import { FakeRegistry } from './fake-registry.ts'

export const HELPER = process.env['CAISSON_LAYER_PROGRAM'] ?? join(import.meta.dirname, '../native/build/caisson-layer')
const CHUNK = 64 << 10

type Wrapped = ReturnType<typeof layerTool>

export interface FixtureOptions {
  readonly config?: Partial<ImageStoreConfig>
  /** State that is there already; it is kept at the end. */
  readonly root?: string
  /** Default: an empty one. */
  readonly registries?: Registries
  /** A trust policy. Default: none. */
  readonly trust?: PolicyPlace
  readonly clock?: () => number
  readonly timers?: Timers
  /** Replaces parts of the native helper. */
  readonly wrapTool?: (tool: Wrapped) => Wrapped
}

/** An image store on a throw-away folder, served over a real socket. */
export class ImageStoreFixture implements AsyncDisposable {
  readonly root: string
  readonly dir: StateDir
  readonly store: ImageStore
  readonly events: EventLog
  readonly images: ServiceClient<typeof ImagesDefinition>
  readonly snapshots: ServiceClient<typeof SnapshotsDefinition>
  readonly content: ServiceClient<typeof ContentDefinition>
  readonly leases: ServiceClient<typeof LeasesDefinition>
  readonly maintenance: ServiceClient<typeof StoreDefinition>
  readonly trust: ServiceClient<typeof TrustDefinition>
  /** Failures of calls, as the server saw them. */
  readonly failures: CaissonError[] = []
  readonly #db: Store
  readonly #server: RpcServer
  readonly #channel: Channel
  readonly #keep: boolean

  private constructor(options: FixtureOptions) {
    this.root = options.root ?? mkdtempSync(join(tmpdir(), 'csn-images-'))
    this.#keep = options.root !== undefined
    this.dir = openStateDir(join(this.root, 'image-store'))
    mkdirSync(join(this.root, 'run'), { recursive: true })
    this.#db = new Store(this.dir.database, migrations)
    this.events = new EventLog(this.#db, { service: 'image-store', hostName: 'test', retention: 10_000 })
    const config = configSchema.parse(options.config ?? {})
    const tool = layerTool(createUnpacker(HELPER), config.maxId)
    const trees = treeTool(HELPER, treeLimits(config))
    this.store = createImageStore({
      dir: this.dir,
      db: this.#db,
      events: this.events,
      tool: options.wrapTool?.(tool) ?? tool,
      quotaTool: quotaTool(HELPER),
      registries: options.registries ?? new FakeRegistry(),
      sockets: byteSockets(join(this.root, 'run'), 'image-store'),
      diffTool: diffTool(createDiffer(HELPER)),
      trees,
      ...(options.clock && { clock: options.clock }),
      ...(options.timers && { timers: options.timers }),
      config,
      log: createLogger('image-store', 'fatal'),
      ...(options.trust && { trust: options.trust }),
    })
    this.store.reconcile()
    this.#server = new RpcServer({ ended: ({ error }) => void (error && this.failures.push(error)) })
    this.store.register(this.#server)
    this.#channel = new Channel(`unix://${this.#socket}`)
    this.images = this.#channel.client(ImagesDefinition)
    this.snapshots = this.#channel.client(SnapshotsDefinition)
    this.content = this.#channel.client(ContentDefinition)
    this.leases = this.#channel.client(LeasesDefinition)
    this.trust = this.#channel.client(TrustDefinition)
    this.maintenance = this.#channel.client(StoreDefinition)
  }

  static async open(options: FixtureOptions = {}): Promise<ImageStoreFixture> {
    const fixture = new ImageStoreFixture(options)
    await fixture.#server.listenUnix(fixture.#socket)
    return fixture
  }

  /** Imports a tar and returns the image. */
  async import(tar: Uint8Array, options: Partial<ImportOptions> = {}): Promise<Image> {
    const full = { reference: '', changes: [], comment: '', platform: undefined, size: tar.length, ...options }
    let image: Image | undefined
    for await (const { item } of this.images.import(upload(full, tar))) if (item?.$case === 'image') image = item.value
    if (!image) throw new Error('importing gave no image')
    return image
  }

  /** Loads an archive and returns its images. */
  async load(archive: Uint8Array, options: Partial<LoadOptions> = {}): Promise<Image[]> {
    const none = { reference: '', platform: undefined, morePlatforms: [], allPlatforms: false }
    const full = { ...none, size: archive.length, ...options }
    const images: Image[] = []
    for await (const { item } of this.images.load(upload(full, archive)))
      if (item?.$case === 'image') images.push(item.value)
    return images
  }

  /** Pulls and returns the images. */
  async pull(reference: string, options: Partially<PullRequest> = {}, signal?: AbortSignal): Promise<Image[]> {
    const images: Image[] = []
    for await (const { item } of this.images.pull({ reference, ...options }, signal ? { signal } : {}))
      if (item?.$case === 'image') images.push(item.value)
    return images
  }

  /** Pushes and returns what the registry has then. */
  async push(reference: string, options: Partially<PushRequest> = {}): Promise<Descriptor[]> {
    const pushed: Descriptor[] = []
    for await (const { item } of this.images.push({ reference, ...options }))
      if (item?.$case === 'pushed') pushed.push(item.value)
    return pushed
  }

  /** Saves images and returns the archive. */
  async save(images: readonly string[], platforms: Partial<Platform>[] = []): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const { chunk } of this.images.save({ images: [...images], platforms })) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** Types of the events so far. */
  eventTypes(): string[] {
    return this.events.read(undefined, 10_000).events.map(({ type }) => type)
  }

  /** Stops serving as a restart does: what was thrown away may still be there. */
  async close(): Promise<void> {
    this.#channel[Symbol.dispose]()
    await this.#server.stop(1_000)
    await this.store[Symbol.asyncDispose]()
    this.#db[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    if (!this.#keep) rmSync(this.root, { recursive: true, force: true, maxRetries: 3 })
  }

  get #socket(): string {
    return join(this.root, 'run', 'image-store.sock')
  }
}

/** Options and then bytes, as an upload sends them. */
export async function* upload<O>(
  options: O,
  bytes: Uint8Array,
): AsyncGenerator<{ item: { $case: 'options'; value: O } | { $case: 'chunk'; value: Buffer } }> {
  yield { item: { $case: 'options', value: options } }
  for (let at = 0; at < bytes.length; at += CHUNK)
    yield { item: { $case: 'chunk', value: Buffer.from(bytes.subarray(at, at + CHUNK)) } }
}
