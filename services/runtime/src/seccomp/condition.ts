import { BPF, type BpfProgram, type Label } from './bpf-program.ts'
import type { ArgumentCondition } from './profile.ts'

/** A comparison as it is compiled: of the low 32 bits only when the kernel sees no others. */
export interface CompiledCondition extends ArgumentCondition {
  readonly isNarrow: boolean
}

const ARGS_OFFSET = 16
const LOW_MASK = 0xffff_ffffn

const low = (value: bigint): number => Number(value & LOW_MASK)
const high = (value: bigint): number => Number(value >> 32n)

/**
 * Writes one comparison: goes to `yes` when it holds, to `no` when it does not. BPF has words of 32 bits, so the high
 * half is looked at first and the low half only where the high one leaves it open.
 */
export function writeCondition(to: BpfProgram, condition: CompiledCondition, yes: Label, no: Label): Label {
  switch (condition.op) {
    case 'SCMP_CMP_EQ':
      return writeEqual(to, condition, yes, no)
    case 'SCMP_CMP_NE':
      return writeEqual(to, condition, no, yes)
    case 'SCMP_CMP_GT':
      return writeGreater(to, condition, BPF.JGT, yes, no)
    case 'SCMP_CMP_GE':
      return writeGreater(to, condition, BPF.JGE, yes, no)
    case 'SCMP_CMP_LT':
      return writeGreater(to, condition, BPF.JGE, no, yes)
    case 'SCMP_CMP_LE':
      return writeGreater(to, condition, BPF.JGT, no, yes)
    case 'SCMP_CMP_MASKED_EQ':
      return writeMaskedEqual(to, condition, yes, no)
  }
}

const lowOffset = (condition: CompiledCondition): number => ARGS_OFFSET + condition.index * 8
const highOffset = (condition: CompiledCondition): number => lowOffset(condition) + 4

function writeEqual(to: BpfProgram, condition: CompiledCondition, yes: Label, no: Label): Label {
  const lowHalf = to.load(lowOffset(condition), to.branch(BPF.JEQ, low(condition.value), yes, no))
  if (condition.isNarrow) return lowHalf
  return to.load(highOffset(condition), to.branch(BPF.JEQ, high(condition.value), lowHalf, no))
}

function writeGreater(to: BpfProgram, condition: CompiledCondition, code: number, yes: Label, no: Label): Label {
  const lowHalf = to.load(lowOffset(condition), to.branch(code, low(condition.value), yes, no))
  if (condition.isNarrow) return lowHalf
  const isEqual = to.branch(BPF.JEQ, high(condition.value), lowHalf, no)
  return to.load(highOffset(condition), to.branch(BPF.JGT, high(condition.value), yes, isEqual))
}

function writeMaskedEqual(to: BpfProgram, condition: CompiledCondition, yes: Label, no: Label): Label {
  const mask = condition.value
  const wanted = condition.valueTwo & mask
  const lowTest = to.and(low(mask), to.branch(BPF.JEQ, low(wanted), yes, no))
  const lowHalf = to.load(lowOffset(condition), lowTest)
  if (condition.isNarrow || high(mask) === 0) return lowHalf
  const highTest = to.and(high(mask), to.branch(BPF.JEQ, high(wanted), lowHalf, no))
  return to.load(highOffset(condition), highTest)
}
