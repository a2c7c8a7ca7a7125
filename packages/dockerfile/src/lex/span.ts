import type { Position, Range, Word } from './position.ts'

/** Where a part of a logical line stood in the file. */
interface Piece {
  /** Of its first character in the logical line. */
  readonly offset: number
  readonly line: number
  readonly column: number
}

/** An instruction's text with its continuations joined, that knows where each character stood. */
export class LogicalLine {
  readonly text: string
  readonly #pieces: readonly Piece[]

  constructor(text: string, pieces: readonly Piece[]) {
    this.text = text
    this.#pieces = pieces
  }

  /** Of a character; the one after the last is the end. */
  positionOf(offset: number): Position {
    let [low, high] = [0, this.#pieces.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#pieces[middle]?.offset ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const piece = this.#pieces[low] ?? { offset: 0, line: 1, column: 1 }
    return { line: piece.line, column: piece.column + offset - piece.offset }
  }
}

/** A part of a logical line. */
export class Span {
  readonly #line: LogicalLine
  readonly #start: number
  readonly text: string

  private constructor(line: LogicalLine, start: number, end: number) {
    this.#line = line
    this.#start = start
    this.text = line.text.slice(start, end)
  }

  static whole(line: LogicalLine): Span {
    return new Span(line, 0, line.text.length)
  }

  get range(): Range {
    const start = this.#line.positionOf(this.#start)
    if (this.text === '') return { start, end: start }
    const last = this.#line.positionOf(this.#start + this.text.length - 1)
    return { start, end: { line: last.line, column: last.column + 1 } }
  }

  slice(from: number, to = this.text.length): Span {
    return new Span(this.#line, this.#start + from, this.#start + to)
  }

  trim(): Span {
    const from = this.text.length - this.text.trimStart().length
    return this.slice(from, Math.max(from, this.text.trimEnd().length))
  }

  /** The text itself, or `text` in its place. */
  word(text = this.text): Word {
    return { text, range: this.range }
  }
}
