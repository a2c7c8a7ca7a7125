import type { DeviceException, DevicePolicy } from './device-policy.ts'

/**
 * A device policy as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, for version 2. Its context is struct
 * bpf_cgroup_dev_ctx: access and type in one word, then major, then minor. It returns 1 to allow.
 */

const OP = {
  LOAD_WORD: 0x61,
  MOVE_CONSTANT: 0xb4,
  MOVE: 0xbc,
  AND_CONSTANT: 0x54,
  SHIFT_RIGHT_CONSTANT: 0x74,
  JUMP_NOT_EQUAL_CONSTANT: 0x56,
  JUMP_EQUAL_CONSTANT: 0x16,
  JUMP_NOT_EQUAL: 0x5e,
  EXIT: 0x95,
} as const

const R0 = 0
const CONTEXT = 1
const TYPE = 2
const ACCESS = 3
const MAJOR = 4
const MINOR = 5
const DEVICE_TYPE = { b: 1, c: 2 } as const
const INSTRUCTION_BYTES = 8

interface Instruction {
  readonly op: number
  readonly to: number
  readonly from?: number
  /** 'end': to the first instruction after the test that holds this one. */
  readonly jump?: 'end'
  readonly constant?: number
}

const PROLOGUE: readonly Instruction[] = [
  { op: OP.LOAD_WORD, to: TYPE, from: CONTEXT, constant: 0 },
  { op: OP.MOVE, to: ACCESS, from: TYPE },
  { op: OP.AND_CONSTANT, to: TYPE, constant: 0xffff },
  { op: OP.SHIFT_RIGHT_CONSTANT, to: ACCESS, constant: 16 },
  { op: OP.LOAD_WORD, to: MAJOR, from: CONTEXT, constant: 4 },
  { op: OP.LOAD_WORD, to: MINOR, from: CONTEXT, constant: 8 },
]

/** struct bpf_insn[], little endian. */
export function deviceProgram(policy: DevicePolicy): Uint8Array {
  const tests = policy.exceptions.map((exception) => testOf(exception, policy.isAllowed))
  const blocks = [PROLOGUE, ...tests, answer(policy.isAllowed)]
  const bytes = Buffer.alloc(blocks.flat().length * INSTRUCTION_BYTES)
  let at = 0
  for (const block of blocks) {
    block.forEach((instruction, n) => {
      writeInstruction(bytes, at, instruction, block.length - n - 1)
      at += INSTRUCTION_BYTES
    })
  }
  return bytes
}

/**
 * One exception, answered inside its block; whoever it does not fit jumps over it. Where the default denies, all that
 * is wanted has to be in the exception; where it allows, one forbidden access is enough.
 */
function testOf(exception: DeviceException, isAllowed: boolean): Instruction[] {
  const test: Instruction[] = [
    { op: OP.JUMP_NOT_EQUAL_CONSTANT, to: TYPE, jump: 'end', constant: DEVICE_TYPE[exception.type] },
    { op: OP.MOVE, to: CONTEXT, from: ACCESS },
    { op: OP.AND_CONSTANT, to: CONTEXT, constant: exception.access },
    isAllowed
      ? { op: OP.JUMP_EQUAL_CONSTANT, to: CONTEXT, jump: 'end', constant: 0 }
      : { op: OP.JUMP_NOT_EQUAL, to: CONTEXT, from: ACCESS, jump: 'end' },
  ]
  const { major, minor } = exception
  if (major !== undefined) test.push({ op: OP.JUMP_NOT_EQUAL_CONSTANT, to: MAJOR, jump: 'end', constant: major })
  if (minor !== undefined) test.push({ op: OP.JUMP_NOT_EQUAL_CONSTANT, to: MINOR, jump: 'end', constant: minor })
  return [...test, ...answer(!isAllowed)]
}

const answer = (isAllowed: boolean): Instruction[] => [
  { op: OP.MOVE_CONSTANT, to: R0, constant: isAllowed ? 1 : 0 },
  { op: OP.EXIT, to: R0 },
]

/** A load's offset stands where a jump's does; `rest` is the number of instructions left in the block. */
function writeInstruction(bytes: Buffer, at: number, instruction: Instruction, rest: number): void {
  const { op, to, from = 0, jump, constant = 0 } = instruction
  bytes.writeUInt8(op, at)
  bytes.writeUInt8(to | (from << 4), at + 1)
  const offset = op === OP.LOAD_WORD ? constant : jump === 'end' ? rest : 0
  bytes.writeInt16LE(offset, at + 2)
  bytes.writeInt32LE(op === OP.LOAD_WORD ? 0 : constant | 0, at + 4)
}
