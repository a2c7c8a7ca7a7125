import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { unavailable } from '@caisson/api'
import { type BucketConfig, readCredentials } from './config.ts'
import { bucketFailure, isLost, isMissing } from './failures.ts'

export interface FoundText {
  /** Empty for what was removed. */
  readonly text: string
  readonly etag: string
  /** By the clock of the bucket. */
  readonly modifiedAt: number
}

export interface Listed {
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly modifiedAt: number
}

const MAX_ATTEMPTS = 5
const MAX_COLLISIONS = 20

/** The client of one bucket. Retries what may succeed later, with a growing pause. */
export function bucketClient(config: BucketConfig): S3Client {
  return new S3Client({
    region: config.region,
    ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
    forcePathStyle: config.pathStyle,
    ...(config.credentialsFile !== undefined && { credentials: readCredentials(config.credentialsFile) }),
    maxAttempts: MAX_ATTEMPTS,
    // The signature covers the SHA-256 of every body: trailing checksums, which many servers do not know, add nothing.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: config.requestTimeoutMs, requestTimeout: config.requestTimeoutMs },
  })
}

/**
 * Small objects of a bucket and how they change: by conditional writes, which are all that several processes agree by. An
 * empty object stands for none: removing is a write as well, so that it cannot take away what another wrote meanwhile.
 */
export class Objects {
  readonly client: S3Client
  readonly bucket: string
  readonly #prefix: string
  /** Whether the bucket deletes on a condition; else empty objects stay. */
  conditionalDeletes = false

  constructor(client: S3Client, config: Pick<BucketConfig, 'name' | 'prefix'>) {
    this.client = client
    this.bucket = config.name
    this.#prefix = config.prefix
  }

  /** What names an object in a request. */
  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: this.#prefix + key }
  }

  /** Does something, and turns failures into errors that say what to do. */
  async attempt<T>(action: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (thrown) {
      throw bucketFailure(thrown, this.bucket, action)
    }
  }

  /** Undefined when there is no object; what was removed may be either. */
  async read(key: string): Promise<FoundText | undefined> {
    const found = await this.#whole(key)
    return found && { ...found, text: Buffer.from(found.bytes).toString() }
  }

  /** All bytes of an object; undefined when there is none. */
  async bytes(key: string): Promise<Buffer | undefined> {
    const found = await this.#whole(key)
    return found && Buffer.from(found.bytes)
  }

  /** The client sends a request again, but does not read an answer again that breaks off. */
  async #whole(key: string): Promise<(Omit<FoundText, 'text'> & { readonly bytes: Uint8Array }) | undefined> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.attempt('reading', async () => {
        try {
          return await this.client.send(new GetObjectCommand(this.at(key)))
        } catch (thrown) {
          if (isMissing(thrown)) return undefined
          throw thrown
        }
      })
      if (found === undefined) return undefined
      try {
        const bytes = (await found.Body?.transformToByteArray()) ?? new Uint8Array()
        return { bytes, etag: found.ETag ?? '', modifiedAt: found.LastModified?.getTime() ?? 0 }
      } catch (thrown) {
        if (attempt === MAX_ATTEMPTS) throw bucketFailure(thrown, this.bucket, 'reading')
      }
    }
  }

  /** Size of an object; undefined when there is none. */
  async size(key: string): Promise<number | undefined> {
    return await this.attempt('reading', async () => {
      try {
        return (await this.client.send(new HeadObjectCommand(this.at(key)))).ContentLength ?? 0
      } catch (thrown) {
        if (isMissing(thrown)) return undefined
        throw thrown
      }
    })
  }

  /** Writes whatever is there. Returns the ETag. */
  async put(key: string, body: string | Uint8Array): Promise<string> {
    const command = new PutObjectCommand({ ...this.at(key), Body: body, ContentLength: Buffer.byteLength(body) })
    return (await this.attempt('writing', () => this.client.send(command))).ETag ?? ''
  }

  /**
   * Writes when the object still has this ETag (undefined: when there is none). Returns the new one, or undefined when it has
   * changed. `text` is unlike all that was written before: a write whose answer was lost is known again by it.
   */
  async replace(key: string, text: string, expected: string | undefined): Promise<string | undefined> {
    const condition = expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }
    for (let collision = 0; collision < MAX_COLLISIONS; collision++) {
      try {
        const ContentLength = Buffer.byteLength(text)
        const command = new PutObjectCommand({ ...this.at(key), Body: text, ContentLength, ...condition })
        return (await this.client.send(command)).ETag ?? ''
      } catch (thrown) {
        if (!isLost(thrown) && !isMissing(thrown)) throw bucketFailure(thrown, this.bucket, 'writing')
      }
      const found = await this.read(key)
      if (found !== undefined && found.text === text) return found.etag
      if (found?.etag !== expected) return undefined
      await sleep(Math.random() * 20 * (collision + 1))
    }
    throw unavailable('BUCKET_CONTENDED', 'too many writers want the same object: try again later', {
      details: { key },
    })
  }

  /** Removes what still has this ETag. False when it has changed. */
  async remove(key: string, etag: string): Promise<boolean> {
    const emptied = await this.replace(key, '', etag)
    if (emptied === undefined) return false
    await this.deleteEmpty(key, emptied)
    return true
  }

  /** Deletes an empty object, unless somebody fills it meanwhile, or the bucket cannot tell. */
  async deleteEmpty(key: string, etag: string): Promise<void> {
    if (!this.conditionalDeletes) return
    try {
      await this.client.send(new DeleteObjectCommand({ ...this.at(key), IfMatch: etag }))
    } catch (thrown) {
      if (!isLost(thrown) && !isMissing(thrown)) throw bucketFailure(thrown, this.bucket, 'deleting')
    }
  }

  /** Deletes an object whose key is never written again. */
  async delete(key: string): Promise<void> {
    await this.attempt('deleting', () => this.client.send(new DeleteObjectCommand(this.at(key))))
  }

  /** Objects below a prefix in the order of their keys, behind `after`, without those that were removed. */
  async *list(prefix: string, after?: string, pageSize = 1000): AsyncGenerator<Listed> {
    for await (const listed of this.listAll(prefix, after, pageSize)) if (listed.size > 0) yield listed
  }

  /** As `list`, with empty objects. */
  async *listAll(prefix: string, after?: string, pageSize = 1000): AsyncGenerator<Listed> {
    let token: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: this.#prefix + prefix,
        MaxKeys: Math.min(Math.max(pageSize, 1), 1000),
        ...(after !== undefined && { StartAfter: this.#prefix + after }),
        ...(token !== undefined && { ContinuationToken: token }),
      })
      const page = await this.attempt('listing', () => this.client.send(command))
      for (const { Key = '', ETag = '', Size = 0, LastModified } of page.Contents ?? [])
        yield { key: Key.slice(this.#prefix.length), etag: ETag, size: Size, modifiedAt: LastModified?.getTime() ?? 0 }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }
}
