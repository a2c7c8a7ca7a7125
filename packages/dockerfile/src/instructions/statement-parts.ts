import { DockerfileError } from '../dockerfile-error.ts'
import type { Statement } from '../lex/statement.ts'
import type { InstructionBase } from './instruction.ts'

/** What an instruction tells of itself. */
export function baseOf(statement: Statement): InstructionBase {
  const { keyword, range, line, comments } = statement
  return { keyword, range, text: line.text, comments }
}

/** Throws ARGUMENT_MISSING when nothing follows the keyword and its flags. */
export function requireArguments(statement: Statement, what: string): void {
  if (statement.args.text !== '') return
  throw missing(statement, what)
}

export function missing(statement: Statement, what: string): DockerfileError {
  const name = statement.keyword.text.toUpperCase()
  return new DockerfileError('ARGUMENT_MISSING', `${name} needs ${what}`, statement.line.range)
}
