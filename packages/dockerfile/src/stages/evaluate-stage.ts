import type { Dockerfile, Stage } from '../dockerfile.ts'
import { DockerfileError } from '../dockerfile-error.ts'
import { withExcerpt } from '../excerpt.ts'
import type { CommandForm, Instruction } from '../instructions/instruction.ts'
import type { Word } from '../lex/position.ts'
import { MAX_MISSING } from '../limits.ts'
import { Budget } from '../words/budget.ts'
import { type Expanded, type ExpandOptions, expand } from '../words/expand.ts'
import type { BuildScope } from './build-scope.ts'
import { effectOf } from './effects.ts'
import type { ResolvedInstruction } from './resolved.ts'
import type { StageState } from './stage-state.ts'
import { Variables } from './variables.ts'

export interface EvaluatedStage {
  readonly instructions: readonly ResolvedInstruction[]
  /** What a stage that is based on this one begins with. */
  readonly state: StageState
  /** Variables that were used, and neither set nor declared: the first 100. */
  readonly missing: readonly MissingVariable[]
}

export interface MissingVariable {
  readonly name: string
  readonly instruction: Instruction
  /** Names that were known there. */
  readonly known: readonly string[]
}

/**
 * Evaluates a stage from front to back: variables expanded, paths made absolute, flags checked. `state` is the base's:
 * initialState of an image, or the state of the stage that it is. `triggers` of the base run first.
 * Throws DockerfileError with the place and the line.
 */
export function evaluateStage(
  dockerfile: Dockerfile,
  stage: Stage,
  scope: BuildScope,
  state: StageState,
  triggers: readonly Instruction[] = [],
): EvaluatedStage {
  return withExcerpt(dockerfile.text, () => {
    const evaluator = new StageEvaluator(scope, state)
    const resolve = (source: Instruction): ResolvedInstruction => ({ source, effect: evaluator.evaluate(source) })
    const first = triggers.map((trigger) => atFrom(stage, () => resolve(trigger)))
    const instructions = [...first, ...stage.instructions.map(resolve)]
    return { instructions, state: evaluator.state(), missing: evaluator.missing }
  })
}

/** A trigger has no place in this file: what is wrong with it is told of the FROM that brought it. */
function atFrom<T>(stage: Stage, evaluate: () => T): T {
  try {
    return evaluate()
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error
    throw new DockerfileError(error.code, `in a trigger of the base image: ${error.message}`, stage.from.range)
  }
}

/** What the instructions of one stage share. */
export class StageEvaluator {
  readonly scope: BuildScope
  readonly variables: Variables
  readonly missing: MissingVariable[] = []
  workingDir: string
  shell: readonly string[]
  readonly #budget = new Budget()
  #instruction: Instruction | undefined

  constructor(scope: BuildScope, state: StageState) {
    this.scope = scope
    this.variables = new Variables(state)
    this.workingDir = state.workingDir
    this.shell = state.shell
  }

  evaluate(instruction: Instruction): ResolvedInstruction['effect'] {
    this.#instruction = instruction
    return effectOf(instruction, this)
  }

  state(): StageState {
    return { ...this.variables.snapshot(), workingDir: this.workingDir, shell: this.shell }
  }

  /** The program and its arguments: the shell form goes to the stage's shell. */
  commandArgs(command: CommandForm): readonly string[] {
    return command.form === 'exec' ? command.args : [...this.shell, command.line]
  }

  text(word: Word): string {
    return this.expand(word).text
  }

  /** Variables only, escapes always by a backslash, quotes as they are: what heredocs have. */
  document(word: Word): string {
    return this.expand(word, { escapeChar: '\\', keepQuotes: true }).text
  }

  expand(word: Word, options: Partial<Pick<ExpandOptions, 'escapeChar' | 'keepQuotes'>> = {}): Expanded {
    const lookup = (name: string): string | undefined => this.variables.get(name)
    const { escapeChar } = this.scope
    const expanded = expand(word, { escapeChar, budget: this.#budget, lookup, ...options })
    this.#note(expanded.missing)
    return expanded
  }

  #note(names: ReadonlySet<string>): void {
    for (const name of names) {
      if (this.missing.length === MAX_MISSING) return
      if (this.#instruction === undefined || this.variables.isKnown(name)) continue
      if (this.missing.some((other) => other.name === name && other.instruction === this.#instruction)) continue
      this.missing.push({ name, instruction: this.#instruction, known: this.variables.names() })
    }
  }
}
