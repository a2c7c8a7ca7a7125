import type { Hash } from 'node:crypto'
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { CaissonError, exhausted } from '@caisson/api'
import { gathered } from '../gathered.ts'
import type { UploadChunk } from '../ports.ts'
import { release } from '../release.ts'
import { lost } from './blob-data.ts'
import { keys } from './keys.ts'
import type { Objects } from './objects.ts'
import type { UploadParts } from './upload-parts.ts'
import type { Session, SessionChange, SessionPart } from './upload-session.ts'

const MOST_PARTS = 10_000
/** Bytes that are taken from a body at a time. */
const BATCH = 256 << 10
/**
 * Numbers of parts that are taken at once, in the session. Whoever takes over begins behind them, so that a part that arrives
 * late replaces none of his.
 */
const SAVE_EVERY = 4

/** Takes the body of one append: full parts are sent while more arrives, the rest becomes the tail. */
export class UploadBody {
  readonly #session: Session
  readonly #objects: Objects
  readonly #multiparts: UploadParts
  readonly #hash: Hash | undefined
  #multipart: string | undefined
  readonly #parts: SessionPart[]
  #nextPart: number
  /** Bytes in parts. */
  #sent: number
  /** Parts that were there before, and whether those that are new may be told of while more arrives. */
  readonly #partsBefore: number
  #tellsProgress = false
  /** The part that is gathered, once there is something for it, and how far it is filled. */
  #part: Buffer | undefined
  #filled = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(session: Session, objects: Objects, multiparts: UploadParts, hash: Hash | undefined) {
    this.#session = session
    this.#objects = objects
    this.#multiparts = multiparts
    this.#hash = hash
    const { multipart, parts, nextPart, offset, tail } = session.value
    this.#multipart = multipart
    this.#parts = [...parts]
    this.#nextPart = nextPart
    this.#partsBefore = parts.length
    this.#sent = offset - (tail?.size ?? 0)
  }

  /** Bytes that arrived. */
  get offset(): number {
    return this.#sent + this.#filled
  }

  /** The first number that this append did not use. */
  get nextPart(): number {
    return this.#nextPart
  }

  async take(body: Readable, chunk: UploadChunk, signal: AbortSignal): Promise<void> {
    await this.#fetchTail()
    // A chunk of a known length is kept whole or not at all.
    this.#tellsProgress = chunk.length === undefined
    const start = this.offset
    const end = chunk.length === undefined ? Number.POSITIVE_INFINITY : start + chunk.length
    const most = chunk.most === undefined ? Number.POSITIVE_INFINITY : start + chunk.most
    let arrived = start
    for await (const pieces of gathered(body, BATCH)) {
      signal.throwIfAborted()
      for (const piece of pieces) {
        arrived += piece.length
        if (arrived > end) throw wrongSize(chunk.length, 'more')
        if (arrived > most)
          throw exhausted('QUOTA_EXCEEDED', 'the upload is larger than what the quota leaves room for')
        this.#hash?.update(piece)
        await this.#gather(piece)
        release(piece)
      }
    }
    if (arrived < end && chunk.length !== undefined) throw wrongSize(chunk.length, 'less')
  }

  /** Brings all that arrived into the bucket. Returns where the upload stands then. */
  async settle(): Promise<SessionChange> {
    await this.#sending
    if (this.#filled >= this.#multiparts.sizes.smallest) {
      this.#send()
      await this.#sending
    }
    const change = { parts: this.#parts, offset: this.offset, nextPart: this.#nextPart }
    if (this.#part === undefined) return { ...change, tail: undefined }
    const key = keys.tail(this.#session.id, randomBytes(8).toString('hex'))
    await this.#objects.put(key, this.#part.subarray(0, this.#filled))
    return { ...change, tail: { key, size: this.#filled } }
  }

  /** Fulfilled when nothing is on its way any more, however it ended. */
  async quiet(): Promise<void> {
    await this.#sending.catch(() => {})
  }

  async #fetchTail(): Promise<void> {
    const { tail } = this.#session.value
    if (tail === undefined) return
    const bytes = await readBytes(this.#objects, tail.key)
    if (bytes.length !== tail.size) throw lost(tail.key)
    await this.#gather(bytes)
  }

  async #gather(piece: Buffer): Promise<void> {
    const { size } = this.#multiparts.sizes
    for (let at = 0; at < piece.length; ) {
      // Its memory is the system's until it is filled.
      this.#part ??= Buffer.allocUnsafeSlow(size)
      const copied = piece.copy(this.#part, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < size) return
      // At most one part is on its way while the next one is gathered.
      await this.#sending
      this.#send()
    }
  }

  /** Sends what is gathered. */
  #send(): void {
    const bytes = this.#part?.subarray(0, this.#filled) ?? Buffer.of()
    this.#part = undefined
    this.#filled = 0
    this.#sent += bytes.length
    const sending = this.#deliver(bytes, this.#sent - bytes.length)
    // It is awaited before the next one; until then a failure is nobody's.
    sending.catch(() => {})
    this.#sending = sending
  }

  /** `offset` is where the part begins: all before it is in the bucket. */
  async #deliver(bytes: Buffer, offset: number): Promise<void> {
    if (this.#nextPart > MOST_PARTS)
      throw exhausted('BLOB_TOO_LARGE', 'the bucket takes no blob of more parts than 10,000')
    this.#multipart ??= await this.#multiparts.begin(this.#session.id)
    if (this.#nextPart >= this.#session.value.nextPart) await this.#reserve(this.#multipart, offset)
    const number = this.#nextPart++
    this.#parts.push(await this.#multiparts.send(this.#session.id, this.#multipart, number, bytes))
  }

  /** Takes numbers for the next parts, and tells how far it came. */
  async #reserve(multipart: string, offset: number): Promise<void> {
    const reserved = { multipart, nextPart: this.#nextPart + SAVE_EVERY }
    const isFurther = this.#tellsProgress && this.#parts.length > this.#partsBefore
    if (isFurther) await this.#session.save({ ...reserved, parts: [...this.#parts], offset, tail: undefined })
    else await this.#session.save({ ...reserved, tail: this.#session.value.tail })
  }
}

export async function readBytes(objects: Objects, key: string): Promise<Buffer> {
  const bytes = await objects.bytes(key)
  if (bytes === undefined) throw lost(key)
  return bytes
}

function wrongSize(expected: number | undefined, what: 'more' | 'less'): CaissonError {
  return new CaissonError('invalid-argument', `the body has ${what} than the ${expected} bytes it was to have`, {
    reason: 'SIZE_INVALID',
  })
}
