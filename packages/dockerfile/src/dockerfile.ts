import type { ArgInstruction, FromInstruction, Instruction } from './instructions/instruction.ts'
import type { Directives } from './lex/directives.ts'
import type { Range } from './lex/position.ts'

/** A Dockerfile as it was written: nothing in it is expanded. */
export interface Dockerfile {
  /** The text itself, for excerpts. */
  readonly text: string
  readonly directives: Directives
  /** ARG before the first FROM: they hold in FROM lines only, and where a stage asks for them. */
  readonly globalArgs: readonly ArgInstruction[]
  /** At least one. */
  readonly stages: readonly Stage[]
  /** What was read although it is likely not what was meant. */
  readonly warnings: readonly ParseWarning[]
}

export interface Stage {
  /** From 0: what `--from=0` means. */
  readonly index: number
  /** In small letters; absent for a stage without a name. */
  readonly name?: string
  readonly from: FromInstruction
  readonly instructions: readonly Instruction[]
}

export interface ParseWarning {
  /** The name of the rule, which `check=skip=` knows as well. */
  readonly rule: 'NoEmptyContinuation' | 'MalformedExecForm'
  readonly message: string
  readonly range: Range
}
