import type { Word } from '../lex/position.ts'
import type { Span } from '../lex/span.ts'
import { isSpace } from './spaces.ts'

/** `--name=value` or `--name`, as written. */
export interface FlagToken extends Word {
  readonly name: string
  /** Without quotes; absent when there was no `=`. */
  readonly value?: string
}

/** Quotes and backslashes in flags are read alike whatever the escape directive says. */
const ESCAPE = '\\'

/** Takes the flags off the front; a lone `--` ends them. */
export function takeFlags(span: Span): { flags: FlagToken[]; rest: Span } {
  const flags: FlagToken[] = []
  const { text } = span
  let at = 0
  for (;;) {
    while (isSpace(text[at])) at++
    if (!text.startsWith('--', at)) return { flags, rest: span.slice(at).trim() }
    const word = takeWord(text, at)
    if (word.text === '--') return { flags, rest: span.slice(word.end).trim() }
    flags.push(flagOf(span.slice(at, word.end), word.text))
    at = word.end
  }
}

function flagOf(span: Span, text: string): FlagToken {
  const equals = text.indexOf('=')
  const { range } = span
  if (equals < 0) return { name: text.slice(2), text, range }
  return { name: text.slice(2, equals), value: text.slice(equals + 1), text, range }
}

function takeWord(text: string, start: number): { text: string; end: number } {
  let [word, at] = ['', start]
  let quote: string | undefined
  for (; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote === undefined && isSpace(character)) break
    if (character === ESCAPE) word += text[++at] ?? ''
    else if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) quote = character
    else word += character
  }
  return { text: word, end: Math.min(at, text.length) }
}
