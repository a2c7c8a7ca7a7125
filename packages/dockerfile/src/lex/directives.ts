import { DockerfileError } from '../dockerfile-error.ts'
import { type CheckOptions, parseCheckOptions } from './check-options.ts'
import type { Range, Word } from './position.ts'
import type { SourceLine } from './source-lines.ts'

/** The comments at the very top that say how the file is to be read. */
export interface Directives {
  /** The character that escapes and that continues lines. */
  readonly escape: '\\' | '`'
  /** The frontend that the author asked for: told, never fetched. */
  readonly syntax?: Word
  readonly check?: CheckOptions & { readonly range: Range }
}

const NAMES: ReadonlySet<string> = new Set(['syntax', 'escape', 'check'])

/**
 * Reads directives until the first line that is none. A comment whose name is not known is a comment, and ends them.
 * Throws DIRECTIVE_DUPLICATE, DIRECTIVE_INVALID, CHECK_OPTION_INVALID.
 */
export function parseDirectives(lines: readonly SourceLine[]): { directives: Directives; count: number } {
  const found = new Map<string, Word>()
  let count = 0
  for (const line of lines) {
    const directive = readDirective(line)
    if (directive === undefined) break
    if (found.has(directive.name)) throw duplicate(directive.name, directive.value.range)
    found.set(directive.name, directive.value)
    count++
  }
  const [escapeWord, syntax, check] = [found.get('escape'), found.get('syntax'), found.get('check')]
  const directives = {
    escape: escapeWord === undefined ? ('\\' as const) : readEscape(escapeWord),
    ...(syntax !== undefined && { syntax }),
    ...(check !== undefined && { check: { ...parseCheckOptions(check), range: check.range } }),
  }
  return { directives, count }
}

function readDirective(line: SourceLine): { name: string; value: Word } | undefined {
  const text = line.text.trimStart()
  const equals = text.indexOf('=')
  if (!text.startsWith('#') || equals < 0) return undefined
  const name = text.slice(1, equals).trim().toLowerCase()
  const value = text.slice(equals + 1).trim()
  if (!NAMES.has(name) || value === '') return undefined
  const column = line.column + line.text.lastIndexOf(value)
  const start = { line: line.number, column }
  return { name, value: { text: value, range: { start, end: { line: line.number, column: column + value.length } } } }
}

function readEscape(value: Word): '\\' | '`' {
  if (value.text === '\\' || value.text === '`') return value.text
  throw new DockerfileError('DIRECTIVE_INVALID', 'the escape character is either \\ or `', value.range)
}

function duplicate(name: string, range: Range): DockerfileError {
  return new DockerfileError('DIRECTIVE_DUPLICATE', `the directive ${name} stands twice; keep one of them`, range)
}
