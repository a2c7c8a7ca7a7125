import { createHash, randomUUID } from 'node:crypto'
import { S3Error } from './s3-error.ts'

/** What is kept of an object. */
export interface StoredObject {
  /** Its bytes, in pieces as they came. */
  readonly pieces: readonly Buffer[]
  readonly size: number
  /** With its quotation marks. */
  readonly etag: string
  readonly lastModified: Date
  readonly contentType: string
  /** x-amz-meta-*, by full name. */
  readonly metadata: Readonly<Record<string, string>>
}

export interface StoredPart {
  readonly content: Buffer
  readonly md5: Buffer
  readonly lastModified: Date
}

export interface StoredUpload {
  readonly id: string
  readonly key: string
  readonly initiated: Date
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  readonly parts: Map<number, StoredPart>
}

/** Objects and unfinished uploads of one bucket, in memory. Everything that was answered is seen by the next request. */
export class StoredBucket {
  readonly objects = new Map<string, StoredObject>()
  readonly uploads = new Map<string, StoredUpload>()
  #sorted: string[] | undefined

  /** Keys in the order of their UTF-8 bytes. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return this.#sorted
  }

  put(key: string, object: StoredObject): void {
    if (!this.objects.has(key)) this.#sorted = undefined
    this.objects.set(key, object)
  }

  delete(key: string): void {
    if (this.objects.delete(key)) this.#sorted = undefined
  }

  upload(key: string, id: string): StoredUpload {
    const upload = this.uploads.get(id)
    if (upload?.key !== key) throw new S3Error(404, 'NoSuchUpload', 'The specified upload does not exist.')
    return upload
  }

  begin(key: string, upload: Pick<StoredUpload, 'initiated' | 'contentType' | 'metadata'>): StoredUpload {
    const made = { ...upload, key, id: randomUUID(), parts: new Map<number, StoredPart>() }
    this.uploads.set(made.id, made)
    return made
  }
}

export const md5Of = (content: Buffer): Buffer => createHash('md5').update(content).digest()

export const etagOf = (md5: Buffer, parts?: number): string =>
  `"${md5.toString('hex')}${parts === undefined ? '' : `-${parts}`}"`
