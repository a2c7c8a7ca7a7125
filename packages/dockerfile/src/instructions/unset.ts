import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Statement } from '../lex/statement.ts'
import { didYouMean } from '../suggest.ts'
import { readJsonStrings } from '../words/json-strings.ts'
import { splitQuotedWords } from '../words/quoted-words.ts'
import { splitFirst } from '../words/spaces.ts'
import { Flags } from './flags.ts'
import type { UnsetInstruction, UnsetKind } from './instruction.ts'
import { baseOf, missing, requireArguments } from './statement-parts.ts'

/** What can be unset, and whether it has names. */
const KINDS: Readonly<Record<UnsetKind, 'single' | 'named' | 'needs names'>> = {
  CMD: 'single',
  ENTRYPOINT: 'single',
  HEALTHCHECK: 'single',
  ENV: 'needs names',
  EXPOSE: 'named',
  LABEL: 'named',
  VOLUME: 'named',
}

/**
 * Ours: `UNSET KIND [NAME ...]` takes away what the base image, or an earlier instruction, has set: all of the kind, or
 * what is named. Other builders stop at it with "unknown instruction", so none makes another image of the file.
 * Throws ARGUMENT_MISSING, ARGUMENT_UNEXPECTED, ARGUMENT_INVALID.
 */
export function parseUnset(statement: Statement, escapeChar: string): UnsetInstruction {
  Flags.read(statement, {})
  requireArguments(statement, `one of ${Object.keys(KINDS).join(', ')}`)
  const [word, rest] = splitFirst(statement.args)
  const written = word.text.toUpperCase()
  if (!isKind(written)) {
    const message = `UNSET is followed by one of ${Object.keys(KINDS).join(', ')}; ${shown(word.text)} is none`
    throw new DockerfileError('ARGUMENT_INVALID', message + didYouMean(written, Object.keys(KINDS)), word.range)
  }
  const { range } = rest
  const list = readJsonStrings(rest)?.map((text) => ({ text, range }))
  const names = list ?? splitQuotedWords(rest, escapeChar).map((span) => span.word())
  if (KINDS[written] === 'single' && names.length > 0) {
    throw new DockerfileError('ARGUMENT_UNEXPECTED', `UNSET ${written} stands alone: there is but one`, range)
  }
  if (KINDS[written] === 'needs names' && names.length === 0) {
    throw missing(statement, `the names of variables after ${written}: without PATH little would run`)
  }
  return { ...baseOf(statement), name: 'UNSET', kind: written, names }
}

function isKind(text: string): text is UnsetKind {
  return Object.hasOwn(KINDS, text)
}
