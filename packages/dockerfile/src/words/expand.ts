import { DockerfileError, type DockerfileErrorCode, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import { MAX_EXPANSION, MAX_NESTING, MAX_VALUE } from '../limits.ts'
import type { Budget } from './budget.ts'
import { modify } from './modifiers.ts'
import { WordSplitter } from './word-splitter.ts'

export interface ExpandOptions {
  readonly escapeChar: string
  /** The value of a variable; undefined where it is not set. */
  lookup(name: string): string | undefined
  readonly budget: Budget
  /** Quotes are text like any other: in heredocs. */
  readonly keepQuotes?: boolean
}

export interface Expanded {
  readonly text: string
  /** The text cut at the spaces that were not quoted. */
  readonly words: readonly string[]
  readonly used: ReadonlySet<string>
  /** Variables that were asked for, are not set, and have no default. */
  readonly missing: ReadonlySet<string>
}

/**
 * Expands variables and takes quotes and escapes out, by the rules of the shell that the Dockerfile reference keeps.
 * Throws EXPANSION_INVALID, EXPANSION_TOO_LARGE, VARIABLE_REQUIRED.
 */
export function expand(word: Word, options: ExpandOptions): Expanded {
  return new Expander(word, options).expand()
}

/** Reads one word from front to back. Lengths are checked as it grows, so that no step makes much more than is kept. */
export class Expander {
  readonly #word: Word
  readonly #options: ExpandOptions
  readonly #used = new Set<string>()
  readonly #missing = new Set<string>()
  #at = 0
  #depth = 0
  /** Escape characters stay: in patterns, which have escapes of their own. */
  #keepEscapes = false

  constructor(word: Word, options: ExpandOptions) {
    this.#word = word
    this.#options = options
  }

  expand(): Expanded {
    const splitter = new WordSplitter()
    const text = this.#readUntil(undefined, splitter)
    return { text, words: splitter.words(), used: this.#used, missing: this.#missing }
  }

  error(why: string, code: DockerfileErrorCode = 'EXPANSION_INVALID'): DockerfileError {
    return new DockerfileError(code, `${shown(this.#word.text)} cannot be expanded: ${why}`, this.#word.range)
  }

  pay(steps: number): void {
    if (!this.#options.budget.takeSteps(steps)) throw this.error('its patterns take too long', 'EXPANSION_TOO_LARGE')
  }

  /** `isNeeded`: nothing was said of what holds in its place. */
  lookup(name: string, isNeeded = true): string | undefined {
    const value = this.#options.lookup(name)
    if (value !== undefined) this.#used.add(name)
    else if (isNeeded) this.#missing.add(name)
    return value
  }

  peek(): string | undefined {
    return this.#word.text[this.#at]
  }

  next(): string | undefined {
    return this.#word.text[this.#at++]
  }

  /** The text up to `stop`, expanded; `stop` is taken as well. */
  readUntil(stop: string, keepEscapes: boolean): string {
    const before = this.#keepEscapes
    if (++this.#depth > MAX_NESTING) throw this.error(`it is nested more than ${MAX_NESTING} deep`)
    this.#keepEscapes = keepEscapes
    const text = this.#readUntil(stop)
    this.#keepEscapes = before
    this.#depth--
    return text
  }

  /** A variable's name, or one of the shell's special parameters; empty where neither stands. */
  readName(): string {
    const { text } = this.#word
    const special = /[@*#?\-$!]/y
    const name = /\p{Nd}+|[\p{L}_][\p{L}\p{Nd}_]*/uy
    for (const pattern of [special, name]) {
      pattern.lastIndex = this.#at
      const found = pattern.exec(text)?.[0]
      if (found === undefined) continue
      this.#at += found.length
      return found
    }
    return ''
  }

  #readUntil(stop: string | undefined, splitter?: WordSplitter): string {
    const { escapeChar, keepQuotes = false } = this.#options
    const result = new Result(this, this.#options)
    for (let character = this.peek(); character !== undefined; character = this.peek()) {
      if (character === stop) {
        this.#at++
        return result.text
      }
      if (character === '$') {
        const value = this.#readVariable()
        result.add(value)
        splitter?.add(value)
      } else if (!keepQuotes && (character === "'" || character === '"')) {
        const quoted = character === "'" ? this.#readSingleQuoted() : this.#readDoubleQuoted()
        result.add(quoted)
        splitter?.addQuoted(quoted)
      } else if (character === escapeChar) {
        const kept = this.#readEscaped()
        result.add(kept)
        splitter?.addQuoted(kept)
      } else {
        const plain = this.#readPlain(stop)
        result.add(plain)
        splitter?.add(plain)
      }
    }
    if (stop !== undefined) throw this.error(`a ${shown(stop)} is missing`)
    return result.text
  }

  /** At least one character, up to the next that may mean something. */
  #readPlain(stop: string | undefined): string {
    const { text } = this.#word
    const start = this.#at++
    while (this.#at < text.length) {
      const character = text[this.#at]
      const means = character === stop || character === '$' || character === "'" || character === '"'
      if (means || character === this.#options.escapeChar) break
      this.#at++
    }
    return text.slice(start, this.#at)
  }

  /** The escape character and what it escapes; one at the very end escapes nothing. */
  #readEscaped(): string {
    this.#at++
    const escaped = this.next() ?? ''
    return this.#keepEscapes ? this.#options.escapeChar + escaped : escaped
  }

  #readSingleQuoted(): string {
    const { text } = this.#word
    const end = text.indexOf("'", this.#at + 1)
    if (end < 0) throw this.error("a single quote is not closed; add ', or escape it")
    const quoted = text.slice(this.#at + 1, end)
    this.#at = end + 1
    return quoted
  }

  #readDoubleQuoted(): string {
    const { escapeChar } = this.#options
    const result = new Result(this, this.#options)
    this.#at++
    for (let character = this.peek(); character !== '"'; character = this.peek()) {
      if (character === undefined) throw this.error('a double quote is not closed; add ", or escape it')
      if (character === '$') result.add(this.#readVariable())
      else if (character === escapeChar) result.add(this.#readQuotedEscape())
      else result.add(this.#readPlain('"'))
    }
    this.#at++
    return result.text
  }

  /** In double quotes only `"`, `$` and the escape character can be escaped. */
  #readQuotedEscape(): string {
    const { escapeChar } = this.#options
    this.#at++
    const escaped = this.peek()
    if (escaped === undefined) return ''
    if (escaped !== '"' && escaped !== '$' && escaped !== escapeChar) return escapeChar
    this.#at++
    return this.#keepEscapes ? escapeChar + escaped : escaped
  }

  #readVariable(): string {
    this.#at++
    if (this.peek() === '{') {
      this.#at++
      return modify(this)
    }
    const name = this.readName()
    return name === '' ? '$' : (this.lookup(name) ?? '')
  }
}

/** Text that grows within limits. */
class Result {
  readonly #expander: Expander
  readonly #budget: Budget
  readonly #most: number
  readonly #parts: string[] = []
  #length = 0

  constructor(expander: Expander, { budget, keepQuotes = false }: ExpandOptions) {
    this.#expander = expander
    this.#budget = budget
    this.#most = keepQuotes ? MAX_EXPANSION : MAX_VALUE
  }

  add(text: string): void {
    this.#length += text.length
    const isGood = this.#length <= this.#most && this.#budget.takeCharacters(text.length)
    if (!isGood) throw this.#expander.error('the result is too long', 'EXPANSION_TOO_LARGE')
    this.#parts.push(text)
  }

  get text(): string {
    return this.#parts.join('')
  }
}
