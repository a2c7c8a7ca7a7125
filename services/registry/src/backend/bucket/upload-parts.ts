import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { isMissing } from './failures.ts'
import { keys } from './keys.ts'
import type { Objects } from './objects.ts'
import type { SessionPart } from './upload-session.ts'

/** Parts that are on their way at once, in the whole process. */
const MOST_IN_FLIGHT = 4

export interface PartSizes {
  /** Bytes of a part. */
  readonly size: number
  /** Bytes of the smallest part that S3 takes, unless it is the last. */
  readonly smallest: number
}

export const S3_PARTS: PartSizes = { size: 8 << 20, smallest: 5 << 20 }

/** The multipart uploads of S3 that blobs come in by. */
export class UploadParts {
  readonly #objects: Objects
  readonly sizes: PartSizes
  readonly #slots = new Slots(MOST_IN_FLIGHT)

  constructor(objects: Objects, sizes: PartSizes) {
    this.#objects = objects
    this.sizes = sizes
  }

  async begin(id: string): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.#objects.at(keys.data(id)))
    const made = await this.#objects.attempt('uploading', () => this.#objects.client.send(command))
    return made.UploadId ?? ''
  }

  async send(id: string, multipart: string, number: number, bytes: Buffer): Promise<SessionPart> {
    const at = { ...this.#objects.at(keys.data(id)), UploadId: multipart, PartNumber: number }
    return await this.#slots.during(async () => {
      const command = new UploadPartCommand({ ...at, Body: bytes })
      const sent = await this.#objects.attempt('uploading', () => this.#objects.client.send(command))
      return { number, etag: sent.ETag ?? '' }
    })
  }

  /** Makes the object of its parts. One that was completed before, its answer lost, is known by its size. */
  async complete(id: string, multipart: string, parts: readonly SessionPart[], size: number): Promise<void> {
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }))
    const at = { ...this.#objects.at(keys.data(id)), UploadId: multipart }
    await this.#objects.attempt('uploading', async () => {
      try {
        await this.#objects.client.send(new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts } }))
      } catch (thrown) {
        if (!isMissing(thrown) || (await this.#objects.size(keys.data(id))) !== size) throw thrown
      }
    })
  }

  async abort(id: string, multipart: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#objects.at(keys.data(id)), UploadId: multipart })
    await this.#objects.attempt('uploading', async () => {
      try {
        await this.#objects.client.send(command)
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown
      }
    })
  }
}

/** Lets a few act at once; the others wait in order. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#free = most
  }

  async during<T>(act: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
