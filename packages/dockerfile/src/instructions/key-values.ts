import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Span } from '../lex/span.ts'
import type { Statement } from '../lex/statement.ts'
import { splitQuotedWords } from '../words/quoted-words.ts'
import { splitFirst } from '../words/spaces.ts'
import { blankName } from './arg.ts'
import { Flags } from './flags.ts'
import type { KeyValue, KeyValuesInstruction } from './instruction.ts'
import { baseOf, requireArguments } from './statement-parts.ts'

/** `ENV NAME=VALUE ...` and `ENV NAME VALUE`, LABEL alike. Throws ARGUMENT_MISSING, ARGUMENT_INVALID. */
export function parseKeyValues(
  statement: Statement,
  escapeChar: string,
  name: KeyValuesInstruction['name'],
): KeyValuesInstruction {
  Flags.read(statement, {})
  requireArguments(statement, `a name and a value, such as ${name} name=value`)
  const words = splitQuotedWords(statement.args, escapeChar)
  const isLegacy = words[0]?.text.includes('=') === false
  const pairs = isLegacy ? [readLegacy(statement.args, name)] : words.map((word) => readPair(word, name))
  return { ...baseOf(statement), name, pairs, isLegacy }
}

function readPair(word: Span, name: string): KeyValue {
  const equals = word.text.indexOf('=')
  if (equals === 0) throw blankName(word)
  if (equals > 0) return { key: word.slice(0, equals).word(), value: word.slice(equals + 1).word() }
  const message = `${shown(word.text)} has no "="; write ${name} name=value, and quote values that hold spaces`
  throw new DockerfileError('ARGUMENT_INVALID', message, word.range)
}

/** The name is the first word, the value is all of the rest. */
function readLegacy(args: Span, name: string): KeyValue {
  const [key, value] = splitFirst(args)
  if (value.text !== '') return { key: key.word(), value: value.word() }
  const message = `${shown(key.text)} has no value; write ${name} name=value`
  throw new DockerfileError('ARGUMENT_MISSING', message, key.range)
}
