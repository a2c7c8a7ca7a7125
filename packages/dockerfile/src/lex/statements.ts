import { DockerfileError } from '../dockerfile-error.ts'
import { findMarkers } from '../heredoc/find-markers.ts'
import { takeHeredocs } from '../heredoc/take-heredocs.ts'
import { MAX_INSTRUCTIONS } from '../limits.ts'
import { readJsonStrings } from '../words/json-strings.ts'
import { type Joined, LineReader } from './logical-lines.ts'
import type { Range } from './position.ts'
import type { SourceLine } from './source-lines.ts'
import type { Span } from './span.ts'
import { cutStatement, type Statement } from './statement.ts'

const TAKES_HEREDOCS: ReadonlySet<string> = new Set(['RUN', 'COPY', 'ADD'])

export interface StatementsRead {
  readonly statements: readonly Statement[]
  /** Blank lines inside of instructions: the first of each. */
  readonly emptyLines: readonly Range[]
}

/** Cuts the lines from `first` on into statements. Throws HEREDOC_UNTERMINATED, TOO_LARGE, ARGUMENT_INVALID. */
export function readStatements(lines: readonly SourceLine[], escapeChar: string, first: number): StatementsRead {
  const reader = new LineReader(lines, escapeChar, first)
  const statements: Statement[] = []
  const emptyLines: Range[] = []
  for (let joined = reader.takeInstruction(); joined !== undefined; joined = reader.takeInstruction()) {
    if (statements.length === MAX_INSTRUCTIONS) throw tooMany(joined.span)
    if (joined.emptyLine !== undefined) emptyLines.push(joined.emptyLine)
    statements.push(complete(reader, lines, joined))
  }
  return { statements, emptyLines }
}

function complete(reader: LineReader, lines: readonly SourceLine[], joined: Joined): Statement {
  const statement = { ...cutStatement(joined.span), comments: joined.comments }
  if (!mayHaveHeredocs(statement)) return statement
  const { heredocs, lastLine } = takeHeredocs(reader, findMarkers(joined.span))
  if (lastLine === undefined) return statement
  const end = { line: lastLine, column: (lines[lastLine - 1]?.text.length ?? 0) + 1 }
  return { ...statement, heredocs, range: { start: statement.range.start, end } }
}

function mayHaveHeredocs(statement: Statement): boolean {
  if (!statement.line.text.includes('<<')) return false
  const isTrigger = statement.keyword.text.toUpperCase() === 'ONBUILD'
  const inner = isTrigger ? cutStatement(statement.args) : statement
  return TAKES_HEREDOCS.has(inner.keyword.text.toUpperCase()) && readJsonStrings(inner.args) === undefined
}

function tooMany(span: Span): DockerfileError {
  const message = `the Dockerfile has more than ${MAX_INSTRUCTIONS} instructions; split it`
  return new DockerfileError('TOO_LARGE', message, span.range)
}
