/** Takes a stream of chunks apart by bytes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next bytes, at most `max` and at least one; undefined at the end. */
  async some(max: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done) return undefined
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    const taken = this.#rest.subarray(0, max)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /** The next `length` bytes, or as many as there are. */
  async upTo(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let have = 0
    while (have < length) {
      const part = await this.some(length - have)
      if (!part) break
      parts.push(part)
      have += part.length
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  }

  /** Puts bytes back that were taken last. */
  unread(bytes: Buffer): void {
    this.#rest = Buffer.concat([bytes, this.#rest])
  }

  /** What is left, as a stream. */
  async *remaining(): AsyncGenerator<Buffer> {
    try {
      for (let part = await this.some(1 << 20); part; part = await this.some(1 << 20)) yield part
    } finally {
      await this.#chunks.return?.()
    }
  }
}
