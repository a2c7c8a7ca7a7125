import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Digest, digestOf } from '@caisson/oci'
import { type S3Server, type S3ServerOptions, startS3Server } from '@caisson/testkit'
import type { RepositoryName, TagName } from '../../distribution/names.ts'
import type { Backend, Changes, NewManifest } from '../ports.ts'
import type { BackendUnderTest } from '../ports-suite/under-test.ts'
import { openBucketBackend } from './bucket-backend.ts'
import type { BucketConfig } from './config.ts'
import type { PartSizes } from './upload-parts.ts'

/** A bucket on a server of its own, and as many backends on it as a test wants. */
export class BucketUnderTest implements AsyncDisposable {
  readonly server: S3Server
  readonly config: BucketConfig
  now = Date.now()
  readonly #dir: string
  readonly #partSizes: PartSizes | undefined
  readonly #backends: Backend[] = []

  private constructor(server: S3Server, dir: string, partSizes: PartSizes | undefined) {
    this.server = server
    this.#partSizes = partSizes
    this.#dir = dir
    const credentialsFile = join(dir, 'credentials.json')
    writeFileSync(credentialsFile, JSON.stringify(server.credentials), { mode: 0o600 })
    const { region, endpoint, bucket: name } = server
    this.config = { name, region, endpoint, prefix: 'a/', pathStyle: true, credentialsFile, requestTimeoutMs: 5_000 }
    server.now = () => new Date(this.now)
  }

  /** With `partSizes` the server takes parts that small, so that few bytes are many parts. */
  static async start(options: S3ServerOptions = {}, partSizes?: PartSizes): Promise<BucketUnderTest> {
    const server = await startS3Server({ ...options, ...(partSizes && { minPartSize: partSizes.smallest }) })
    return new BucketUnderTest(server, mkdtempSync(join(tmpdir(), 'csn-bucket-')), partSizes)
  }

  /** Another process of the pool. */
  async open(config: Partial<BucketConfig> = {}): Promise<Backend> {
    const opened = await openBucketBackend({
      config: { ...this.config, ...config },
      changes: silent,
      clock: () => this.now,
      ...(this.#partSizes && { partSizes: this.#partSizes }),
    })
    this.#backends.push(opened)
    return opened
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of this.#backends) await backend[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** A bucket as the suite of the ports wants it: one backend at a time. */
export async function openBucketUnderTest(options: S3ServerOptions = {}): Promise<BackendUnderTest> {
  const bucket = await BucketUnderTest.start(options)
  let backend = await bucket.open()
  return {
    get backend() {
      return backend
    },
    get now() {
      return bucket.now
    },
    set now(time: number) {
      bucket.now = time
    },
    async reopen() {
      backend = await bucket.open()
    },
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}

export const silent: Changes = {
  manifestPushed: () => {},
  tagDeleted: () => {},
  manifestDeleted: () => {},
  repositoryDeleted: () => {},
  blobPushed: () => {},
}

export const app = 'team/app' as RepositoryName
export const tag = (text: string): TagName => text as TagName
export const signal = new AbortController().signal

export async function pushBlob(backend: Backend, repository: RepositoryName, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes)
  const { id } = await backend.uploads.create(repository, 'sha256')
  await backend.uploads.append(repository, id, {}, Readable.from([Buffer.concat([bytes, Buffer.of()])]), signal)
  await backend.uploads.finish(repository, id, digest)
  return digest
}

export function manifestOf(text: string, more: Partial<NewManifest> = {}): NewManifest {
  const bytes = Buffer.from(text)
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const empty = { blobs: [], manifests: [], tags: [], frozen: [], sparse: false, annotations: {} }
  return { repository: app, bytes, digest: digestOf(bytes), mediaType, ...empty, ...more }
}
