import { planError } from './plan-error.ts'
import { PLAN_MAX_BYTES } from './plan-format.ts'

const INSTRUCTION_BYTES = 8

/** Appends little-endian integers and strings to a growing buffer; every value is checked against its width. */
export class PlanWriter {
  #bytes: Buffer = Buffer.alloc(8192)
  #length = 0
  #record = 'header'

  get length(): number {
    return this.#length
  }

  /** Names the record that errors speak of from now on. */
  begin(record: string): void {
    this.#record = record
  }

  u16(value: number): this {
    this.#check(value, 0, 0xffff)
    this.#length = this.#room(2).writeUInt16LE(value, this.#length)
    return this
  }

  u32(value: number): this {
    this.#check(value, 0, 0xffff_ffff)
    this.#length = this.#room(4).writeUInt32LE(value, this.#length)
    return this
  }

  i32(value: number): this {
    this.#check(value, -0x8000_0000, 0x7fff_ffff)
    this.#length = this.#room(4).writeInt32LE(value, this.#length)
    return this
  }

  u64(value: number | bigint): this {
    if (typeof value === 'number') this.#check(value, 0, Number.MAX_SAFE_INTEGER)
    const wide = BigInt(value)
    if (wide < 0n || wide > 0xffff_ffff_ffff_ffffn)
      throw planError(this.#record, `holds ${wide}, not an unsigned 64-bit number`)
    this.#length = this.#room(8).writeBigUInt64LE(wide, this.#length)
    return this
  }

  /** The string's UTF-8 bytes and one NUL. */
  string(value: string): this {
    if (value.includes('\0')) throw planError(this.#record, `holds a NUL byte in ${JSON.stringify(value.slice(0, 64))}`)
    if (!value.isWellFormed())
      throw planError(this.#record, `holds a string that is not Unicode: ${JSON.stringify(value.slice(0, 64))}`)
    const bytes = Buffer.byteLength(value)
    const room = this.#room(bytes + 1)
    room.write(value, this.#length)
    room[this.#length + bytes] = 0
    this.#length += bytes + 1
    return this
  }

  /** Whole 8-byte instructions, at least one. */
  instructions(program: Uint8Array): this {
    if (program.length === 0 || program.length % INSTRUCTION_BYTES !== 0) {
      throw planError(
        this.#record,
        `holds a program of ${program.length} bytes, not whole instructions of ${INSTRUCTION_BYTES}`,
      )
    }
    this.#room(program.length).set(program, this.#length)
    this.#length += program.length
    return this
  }

  /** Zero bytes up to a multiple of `alignment`. */
  pad(alignment: number): void {
    const end = Math.ceil(this.#length / alignment) * alignment
    this.#room(end - this.#length).fill(0, this.#length, end)
    this.#length = end
  }

  patchU32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at)
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #check(value: number, least: number, most: number): void {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw planError(this.#record, `holds ${value}; expected a whole number from ${least} to ${most}`)
    }
  }

  #room(bytes: number): Buffer {
    const need = this.#length + bytes
    if (need > PLAN_MAX_BYTES + 8) throw planError(this.#record, `makes the plan larger than ${PLAN_MAX_BYTES} bytes`)
    if (need > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(need, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    return this.#bytes
  }
}
