import { DockerfileError } from '../dockerfile-error.ts'
import type { Span } from '../lex/span.ts'
import type { Statement } from '../lex/statement.ts'
import { splitQuotedWords } from '../words/quoted-words.ts'
import { Flags } from './flags.ts'
import type { ArgDeclaration, ArgInstruction } from './instruction.ts'
import { baseOf, requireArguments } from './statement-parts.ts'

/** `ARG NAME[=DEFAULT] ...`. Throws ARGUMENT_MISSING, ARGUMENT_INVALID. */
export function parseArg(statement: Statement, escapeChar: string): ArgInstruction {
  Flags.read(statement, {})
  requireArguments(statement, 'the name of a variable, such as ARG VERSION or ARG VERSION=1')
  const args = splitQuotedWords(statement.args, escapeChar).map(readDeclaration)
  return { ...baseOf(statement), name: 'ARG', args }
}

function readDeclaration(word: Span): ArgDeclaration {
  const equals = word.text.indexOf('=')
  if (equals < 0) return { key: word.word() }
  if (equals === 0) throw blankName(word)
  return { key: word.slice(0, equals).word(), value: word.slice(equals + 1).word() }
}

/** A name in front of `=` that is missing. */
export function blankName(word: Span): DockerfileError {
  return new DockerfileError('ARGUMENT_INVALID', 'there is no name before "="; put one there', word.range)
}
