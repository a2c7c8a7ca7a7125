import type { Range, Word } from './position.ts'
import type { SourceLine } from './source-lines.ts'
import { LogicalLine, Span } from './span.ts'

/** One instruction's text, before it is understood. */
export interface Joined {
  readonly span: Span
  /** The comments right before it: a blank line or an empty comment lets go of those above. */
  readonly comments: readonly Word[]
  /** The first blank line in the middle of it. */
  readonly emptyLine?: Range
  readonly lastLine: number
}

/** Walks the lines of a file; heredocs are taken out of its way with `takeLine`. */
export class LineReader {
  readonly #lines: readonly SourceLine[]
  readonly #escape: string
  #next: number

  constructor(lines: readonly SourceLine[], escapeChar: string, first: number) {
    this.#lines = lines
    this.#escape = escapeChar
    this.#next = first
  }

  takeLine(): SourceLine | undefined {
    return this.#lines[this.#next++]
  }

  /** The next instruction with its continuations joined; undefined at the end of the file. */
  takeInstruction(): Joined | undefined {
    let comments: Word[] = []
    for (let line = this.takeLine(); line !== undefined; line = this.takeLine()) {
      const comment = readComment(line)
      if (comment !== undefined) comments = comment.text === '' ? [] : [...comments.slice(-15), comment]
      else if (line.text.trim() === '') comments = []
      else {
        const joined = this.#join(line, comments)
        if (joined.span.text.trim() !== '') return joined
      }
    }
    return undefined
  }

  #join(first: SourceLine, comments: readonly Word[]): Joined {
    const pieces: { offset: number; line: number; column: number }[] = []
    let emptyLine: Range | undefined
    const parts: string[] = []
    let [offset, lastLine] = [0, first.number]
    let line: SourceLine | undefined = first
    while (line !== undefined) {
      lastLine = line.number
      const isSkipped = line !== first && (readComment(line) !== undefined || line.text.trim() === '')
      if (isSkipped) {
        if (line.text.trim() === '') emptyLine ??= rangeOf(line)
        line = this.takeLine()
        continue
      }
      const kept = this.#withoutContinuation(line.text)
      pieces.push({ offset, line: line.number, column: line.column })
      parts.push(kept ?? line.text)
      offset += (kept ?? line.text).length
      line = kept === undefined ? undefined : this.takeLine()
    }
    const span = Span.whole(new LogicalLine(parts.join(''), pieces)).trim()
    return { span, comments, lastLine, ...(emptyLine !== undefined && { emptyLine }) }
  }

  /** What stands before the escape character at the end of a line; undefined where there is none, or an escaped one. */
  #withoutContinuation(text: string): string | undefined {
    let end = text.length
    while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
    const isContinued = text[end - 1] === this.#escape && text[end - 2] !== this.#escape
    return isContinued ? text.slice(0, end - 1) : undefined
  }
}

function readComment(line: SourceLine): Word | undefined {
  const text = line.text.trimStart()
  if (!text.startsWith('#')) return undefined
  return { text: text.slice(1).trim(), range: rangeOf(line) }
}

function rangeOf(line: SourceLine): Range {
  const start = { line: line.number, column: line.column }
  return { start, end: { line: line.number, column: line.column + line.text.length } }
}
