import { randomBytes } from 'node:crypto'
import type { ServiceClient } from '@caisson/api'
import type { StorageDefinition } from '@caisson/api/registry'
import { manifestOf, type RegistryClient, sha256 } from './registry-client.ts'

const REPOSITORIES = ['power/one', 'power/two'] as const
const COLLECT_EVERY_MS = 150

/** What was answered, and so holds after the power was cut. What is on its way is in none of it. */
export class Acknowledged {
  /** Digests that a tag may have, by repository:tag. More than one while it is being moved. */
  tags = new Map<string, readonly string[]>()
  /** repository:tag that was removed. */
  gone = new Set<string>()
  /** Bytes that arrived of unfinished uploads, by location, and the whole. */
  uploads = new Map<string, { readonly offset: number; readonly whole: Buffer }>()

  /** As it is now. */
  copy(): Acknowledged {
    const copy = new Acknowledged()
    copy.tags = new Map(this.tags)
    copy.gone = new Set(this.gone)
    copy.uploads = new Map(this.uploads)
    return copy
  }
}

type Send = (client: RegistryClient, repository: string, blob: Buffer) => Promise<unknown>

const SENDS: readonly Send[] = [
  (client, repository, blob) =>
    client.expect(201, 'POST', `/v2/${repository}/blobs/uploads/?digest=${sha256(blob)}`, blob),
  async (client, repository, blob) =>
    await client.expect(201, 'PUT', `${await client.begin(repository)}?digest=${sha256(blob)}`, blob),
  async (client, repository, blob) => {
    const location = await client.begin(repository)
    const middle = blob.length >> 1
    await client.expect(202, 'PATCH', location, blob.subarray(0, middle))
    await client.expect(202, 'PATCH', location, blob.subarray(middle))
    await client.expect(201, 'PUT', `${location}?digest=${sha256(blob)}`)
  },
]

/** Clients that push, mount, move, remove and upload at the same time, while garbage is collected. */
export class RegistryTraffic {
  readonly acknowledged = new Acknowledged()
  /** Tags that were set and removed so far. */
  promises = 0
  readonly #client: RegistryClient
  readonly #storage: ServiceClient<typeof StorageDefinition>
  readonly #random: () => number
  #count = 0
  /** The layer that all images share: mounted rather than sent. */
  readonly #shared = randomBytes(50_000)
  #isOver = false

  constructor(client: RegistryClient, storage: ServiceClient<typeof StorageDefinition>, random: () => number) {
    this.#client = client
    this.#storage = storage
    this.#random = random
  }

  /** Works until `end`. Throws what went wrong. */
  async run(): Promise<void> {
    this.#isOver = false
    const repeat = async (work: () => Promise<void>): Promise<void> => {
      while (!this.#isOver) await work()
    }
    const works = Promise.all([
      ...REPOSITORIES.map((repository) => repeat(() => this.#image(repository))),
      repeat(() => this.#removal()),
      repeat(() => this.#upload()),
      repeat(() => this.#collection()),
    ])
    await works.finally(() => this.end())
  }

  /** Fulfilled when so many more tags were set or removed, or the work is over. */
  async more(count: number): Promise<void> {
    const wanted = this.promises + count
    while (this.promises < wanted && !this.#isOver) await pause(5)
  }

  end(): void {
    this.#isOver = true
  }

  async #image(repository: string): Promise<void> {
    const number = this.#count++
    const config = Buffer.from(JSON.stringify({ number }))
    const layer = randomBytes(1_000 + Math.floor(this.#random() * 300_000))
    for (const blob of [config, layer]) await this.#send(repository, blob)
    await this.#mount(repository)
    const manifest = manifestOf([config, layer, this.#shared], `image ${number}`)
    await this.#tag(repository, `t${number}`, manifest)
    await this.#tag(repository, 'latest', manifest)
  }

  async #send(repository: string, blob: Buffer): Promise<void> {
    await SENDS[Math.floor(this.#random() * SENDS.length)]?.(this.#client, repository, blob)
  }

  async #mount(repository: string): Promise<void> {
    const from = REPOSITORIES.find((other) => other !== repository)
    const query = `mount=${sha256(this.#shared)}&from=${from}`
    const { status } = await this.#client.ask('POST', `/v2/${repository}/blobs/uploads/?${query}`)
    if (status !== 201) await this.#send(repository, this.#shared)
  }

  async #tag(repository: string, tag: string, manifest: Buffer): Promise<void> {
    const { tags } = this.acknowledged
    const key = `${repository}:${tag}`
    const before = tags.get(key)
    const digest = sha256(manifest)
    if (before !== undefined) tags.set(key, [...before, digest])
    const { status, body } = await this.#client.putManifest(repository, tag, manifest)
    if (status === 201) {
      tags.set(key, [digest])
      this.promises++
    }
    // While the registry stood still the grace of its blobs passed.
    else if (!body.includes('MANIFEST_BLOB_UNKNOWN')) throw new Error(`${key}: ${status} ${body.toString()}`)
  }

  async #removal(): Promise<void> {
    await pause(40)
    const { tags, gone } = this.acknowledged
    const key = [...tags.keys()].filter((one) => !one.endsWith(':latest'))[0]
    if (key === undefined || tags.size < 8) return
    const [repository = '', tag = ''] = key.split(':')
    tags.delete(key)
    await this.#client.expect(202, 'DELETE', `/v2/${repository}/manifests/${tag}`)
    gone.add(key)
    this.promises++
  }

  /** One in two is left where it stands. */
  async #upload(): Promise<void> {
    const { uploads } = this.acknowledged
    const whole = randomBytes(400_000)
    const location = await this.#client.begin('power/uploads')
    for (let offset = 0; offset < whole.length - 100_000; ) {
      await this.#client.expect(202, 'PATCH', location, whole.subarray(offset, offset + 100_000))
      offset += 100_000
      uploads.set(location, { offset, whole })
      await pause(10)
    }
    if (this.#random() < 0.5) return
    uploads.delete(location)
    await this.#client.expect(201, 'PUT', `${location}?digest=${sha256(whole)}`, whole.subarray(300_000))
  }

  async #collection(): Promise<void> {
    await pause(COLLECT_EVERY_MS)
    for await (const _ of this.#storage.collectGarbage({ dryRun: false }));
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
