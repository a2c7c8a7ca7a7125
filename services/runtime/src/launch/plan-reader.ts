import { planError } from './plan-error.ts'

/** Reads little-endian integers and strings, and refuses to read past the end. */
export class PlanReader {
  readonly #bytes: Buffer
  readonly #record: string
  #at = 0

  constructor(bytes: Uint8Array, record: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#record = record
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#step(2))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#step(4))
  }

  i32(): number {
    return this.#bytes.readInt32LE(this.#step(4))
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#step(8))
  }

  u64Number(): number {
    const value = this.u64()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw planError(this.#record, `holds ${value}`)
    return Number(value)
  }

  zero16(): void {
    if (this.u16() !== 0) throw planError(this.#record, 'holds something where zero must stand')
  }

  zero32(): void {
    if (this.u32() !== 0) throw planError(this.#record, 'holds something where zero must stand')
  }

  string(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw planError(this.#record, 'holds a string without its NUL')
    const value = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return value
  }

  take(bytes: number): Uint8Array {
    const start = this.#step(bytes)
    return this.#bytes.subarray(start, start + bytes)
  }

  rest(): Uint8Array {
    return Uint8Array.from(this.take(this.#bytes.length - this.#at))
  }

  padding(alignment: number): void {
    const end = Math.ceil(this.#at / alignment) * alignment
    if (this.take(end - this.#at).some((byte) => byte !== 0))
      throw planError(this.#record, 'is padded with non-zero bytes')
  }

  end(): void {
    if (this.#at !== this.#bytes.length)
      throw planError(this.#record, `has ${this.#bytes.length - this.#at} bytes too many`)
  }

  #step(bytes: number): number {
    const start = this.#at
    if (start + bytes > this.#bytes.length) throw planError(this.#record, 'ends too early')
    this.#at += bytes
    return start
  }
}
