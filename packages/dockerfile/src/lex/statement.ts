import type { Heredoc } from '../heredoc/heredoc.ts'
import { type FlagToken, takeFlags } from '../words/flag-tokens.ts'
import { splitFirst } from '../words/spaces.ts'
import type { Range, Word } from './position.ts'
import type { Span } from './span.ts'

/** An instruction cut into what all instructions have. */
export interface Statement {
  /** As written. */
  readonly keyword: Word
  readonly flags: readonly FlagToken[]
  /** What follows the flags, without spaces around it. */
  readonly args: Span
  /** All of it but the heredocs, continuations joined. */
  readonly line: Span
  readonly heredocs: readonly Heredoc[]
  /** The comments right before it. */
  readonly comments: readonly Word[]
  /** Heredocs included. */
  readonly range: Range
}

/** Cuts a line without heredocs and comments. */
export function cutStatement(line: Span): Statement {
  const [keyword, after] = splitFirst(line)
  const { flags, rest } = takeFlags(after)
  return { keyword: keyword.word(), flags, args: rest, line, heredocs: [], comments: [], range: line.range }
}
