import type { Dockerfile, ParseWarning, Stage } from './dockerfile.ts'
import { DockerfileError } from './dockerfile-error.ts'
import { withExcerpt } from './excerpt.ts'
import type { ArgInstruction, FromInstruction, Instruction } from './instructions/instruction.ts'
import { checkTrigger } from './instructions/onbuild.ts'
import { parseInstruction } from './instructions/parse-instruction.ts'
import { parseDirectives } from './lex/directives.ts'
import { readText, splitLines } from './lex/source-lines.ts'
import { readStatements } from './lex/statements.ts'
import { MAX_STAGES } from './limits.ts'
import { brokenJsonWarning, emptyLineWarning } from './parse-warnings.ts'

/**
 * Reads a Dockerfile. Takes time linear in its length, and at most 1 MiB of UTF-8.
 * Throws DockerfileError with the place and the line.
 */
export function parseDockerfile(source: string | Uint8Array): Dockerfile {
  const shownText = typeof source === 'string' ? source : Buffer.from(source).toString()
  return withExcerpt(shownText, () => parse(readText(source)))
}

function parse(text: string): Dockerfile {
  const lines = splitLines(text)
  const { directives, count } = parseDirectives(lines)
  const { statements, emptyLines } = readStatements(lines, directives.escape, count)
  if (statements.length === 0) throw new DockerfileError('EMPTY', 'the Dockerfile has no instructions')
  const warnings: ParseWarning[] = emptyLines.map(emptyLineWarning)
  const globalArgs: ArgInstruction[] = []
  const stages: { from: FromInstruction; instructions: Instruction[] }[] = []
  for (const statement of statements) {
    const instruction = parseInstruction(statement, directives.escape)
    const stage = stages.at(-1)
    if (instruction.name === 'FROM') stages.push(begin(instruction, stages.length))
    else if (stage !== undefined) stage.instructions.push(instruction)
    else if (instruction.name === 'ARG') globalArgs.push(instruction)
    else throw beforeFrom(instruction)
    warnings.push(...brokenJsonWarning(instruction))
  }
  if (stages.length === 0) throw noStage(globalArgs)
  return { text, directives, globalArgs, stages: stages.map(named), warnings }
}

function begin(from: FromInstruction, before: number): { from: FromInstruction; instructions: Instruction[] } {
  if (before < MAX_STAGES) return { from, instructions: [] }
  throw new DockerfileError('TOO_LARGE', `the Dockerfile has more than ${MAX_STAGES} stages`, from.range)
}

function named({ from, instructions }: Pick<Stage, 'from' | 'instructions'>, index: number): Stage {
  const name = from.stageName?.text.toLowerCase()
  return { index, from, instructions, ...(name !== undefined && { name }) }
}

/**
 * Reads what ONBUILD left in an image: one instruction, with its heredocs. Throws TRIGGER_INVALID and what the instruction
 * throws; places are those in the expression.
 */
export function parseTrigger(expression: string): Instruction {
  return withExcerpt(expression, () => {
    const { statements } = readStatements(splitLines(readText(expression)), '\\', 0)
    const [statement, ...more] = statements
    if (statement === undefined || more.length > 0) {
      throw new DockerfileError('TRIGGER_INVALID', 'a trigger of the base image is not exactly one instruction')
    }
    checkTrigger(statement)
    const instruction = parseInstruction(statement, '\\')
    if (instruction.name === 'FROM') throw new DockerfileError('TRIGGER_INVALID', 'FROM is no trigger')
    return instruction
  })
}

function beforeFrom(instruction: Instruction): DockerfileError {
  const message = `${instruction.name} stands before the first FROM, where only ARG may; begin with FROM`
  return new DockerfileError('NO_STAGE', message, instruction.keyword.range)
}

function noStage(args: readonly ArgInstruction[]): DockerfileError {
  return new DockerfileError('NO_STAGE', 'the Dockerfile has no FROM; add one after the ARG', args.at(-1)?.range)
}
