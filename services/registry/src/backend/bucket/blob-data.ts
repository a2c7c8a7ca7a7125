import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { CaissonError } from '@caisson/api'
import type { DigestAlgorithm } from '@caisson/oci'
import type { BlobReader } from '../ports.ts'
import { bucketFailure, isMissing } from './failures.ts'
import type { Objects } from './objects.ts'

const MOST_RESUMES = 5

export interface Span {
  readonly first: number
  readonly length: number
}

/** Opens a part of an object's bytes; undefined when there is no such object. A reading that breaks off is gone on with. */
export async function openData(
  objects: Objects,
  key: string,
  span: Span,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  if (span.length === 0) return (await objects.size(key)) === undefined ? undefined : Readable.from([])
  const body = await request(objects, key, span, signal)
  return body && Readable.from(resumed(objects, key, span, signal, body), { objectMode: false })
}

async function* resumed(
  objects: Objects,
  key: string,
  { first, length }: Span,
  signal: AbortSignal,
  opened: Readable,
): AsyncGenerator<Buffer> {
  let body: Readable | undefined = opened
  let done = 0
  for (let resumes = 0; ; resumes++) {
    if (body === undefined) throw lost(key)
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        done += piece.length
        yield piece
      }
      if (done === length) return
    } catch (thrown) {
      signal.throwIfAborted()
      if (resumes >= MOST_RESUMES) throw bucketFailure(thrown, objects.bucket, 'reading')
    } finally {
      body.destroy()
    }
    body = await request(objects, key, { first: first + done, length: length - done }, signal)
  }
}

async function request(objects: Objects, key: string, span: Span, signal: AbortSignal): Promise<Readable | undefined> {
  return await objects.attempt('reading', async () => {
    try {
      const Range = `bytes=${span.first}-${span.first + span.length - 1}`
      const found = await objects.client.send(new GetObjectCommand({ ...objects.at(key), Range }), {
        abortSignal: signal,
      })
      if (found.Body instanceof Readable) return found.Body
      throw new Error('the answer of the bucket has no stream')
    } catch (thrown) {
      if (isMissing(thrown)) return undefined
      throw thrown
    }
  })
}

export function lost(key: string): CaissonError {
  return new CaissonError('data-loss', `the bucket has no object ${key} any more: push the blob again`, {
    reason: 'BLOB_LOST',
    details: { key },
  })
}

/** The digest of an object's bytes, read back. */
export async function hashData(
  objects: Objects,
  key: string,
  length: number,
  algorithm: DigestAlgorithm,
): Promise<string> {
  const hash = createHash(algorithm)
  const body = await openData(objects, key, { first: 0, length }, new AbortController().signal)
  if (body === undefined) throw lost(key)
  for await (const piece of body as AsyncIterable<Buffer>) hash.update(piece)
  return `${algorithm}:${hash.digest('hex')}`
}

/** Bytes that are on their way already when it is made, so that a removal does not stop them. */
export class DataReader implements BlobReader {
  readonly size: number
  readonly first: number
  readonly length: number
  readonly #body: Readable

  constructor(size: number, { first, length }: Span, body: Readable) {
    this.size = size
    this.first = first
    this.length = length
    this.#body = body
  }

  stream(): Readable {
    return this.#body
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#body.destroy()
  }
}
