/**
 * Classic BPF, written from its end to its beginning, so that every jump's target is known when the jump is written.
 * Opcodes are those of linux/bpf_common.h, offsets those of struct seccomp_data.
 */

export const BPF = { LOAD: 0x20, AND: 0x54, JA: 0x05, JEQ: 0x15, JGT: 0x25, JGE: 0x35, RET: 0x06 } as const

export const BPF_MAX_INSTRUCTIONS = 4096

/** A place in the program: how many instructions stand from there to the end. */
export type Label = number & { readonly __label: never }

interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

const NEAR = 250
const INSTRUCTION_BYTES = 8

export class BpfProgram {
  readonly #reversed: Instruction[] = []
  readonly #returns = new Map<number, Label>()

  get length(): number {
    return this.#reversed.length
  }

  /** A place that returns this value: one that is near, or a new one. */
  ret(value: number): Label {
    const known = this.#returns.get(value)
    if (known !== undefined && this.#reversed.length - known < NEAR) return known
    const label = this.#push({ code: BPF.RET, jt: 0, jf: 0, k: value })
    this.#returns.set(value, label)
    return label
  }

  /** Compares the accumulator: goes to `yes` or to `no`. */
  branch(code: number, k: number, yes: Label, no: Label): Label {
    const nearYes = this.#near(yes)
    const nearNo = this.#near(no)
    const here = this.#reversed.length
    return this.#push({ code, jt: here - nearYes, jf: here - nearNo, k })
  }

  /** Loads a word of seccomp_data, then goes on at `next`. */
  load(offset: number, next: Label): Label {
    return this.#before(next, { code: BPF.LOAD, jt: 0, jf: 0, k: offset })
  }

  /** Masks the accumulator, then goes on at `next`. */
  and(mask: number, next: Label): Label {
    return this.#before(next, { code: BPF.AND, jt: 0, jf: 0, k: mask })
  }

  /** struct sock_filter[], little endian. */
  bytes(): Uint8Array {
    const bytes = Buffer.alloc(this.#reversed.length * INSTRUCTION_BYTES)
    let at = 0
    for (const { code, jt, jf, k } of this.#reversed.toReversed()) {
      bytes.writeUInt16LE(code, at)
      bytes.writeUInt8(jt, at + 2)
      bytes.writeUInt8(jf, at + 3)
      bytes.writeUInt32LE(k, at + 4)
      at += INSTRUCTION_BYTES
    }
    return bytes
  }

  #before(next: Label, instruction: Instruction): Label {
    if (next !== this.#reversed.length) this.#jump(next)
    return this.#push(instruction)
  }

  /** A jump has eight bits a side: what is farther away is reached by way of a long jump written here. */
  #near(target: Label): Label {
    return this.#reversed.length - target < NEAR ? target : this.#jump(target)
  }

  #jump(target: Label): Label {
    return this.#push({ code: BPF.JA, jt: 0, jf: 0, k: this.#reversed.length - target })
  }

  #push(instruction: Instruction): Label {
    return this.#reversed.push(instruction) as Label
  }
}
