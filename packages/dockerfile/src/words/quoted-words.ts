import type { Span } from '../lex/span.ts'
import { isSpace } from './spaces.ts'

/**
 * Splits at spaces that are neither quoted nor escaped. Quotes and escapes stay in the words: expansion takes them out.
 * An unterminated quote reaches to the end; an escapeChar character at the very end belongs to nothing.
 */
export function splitQuotedWords(span: Span, escapeChar: string): Span[] {
  const words: Span[] = []
  const { text } = span
  let at = 0
  while (at < text.length) {
    while (isSpace(text[at])) at++
    if (at >= text.length) break
    const start = at
    at = endOfWord(text, at, escapeChar)
    const end = isLoneEscape(text, at, escapeChar) ? at - 1 : at
    if (end > start) words.push(span.slice(start, end))
  }
  return words
}

/** Where the word that begins at `at` ends. */
export function endOfWord(text: string, at: number, escapeChar: string): number {
  let quote: string | undefined
  while (at < text.length) {
    const character = text[at]
    if (quote === undefined && isSpace(character)) break
    if (character === escapeChar && quote !== "'") at++
    else if (quote === undefined && (character === '"' || character === "'")) quote = character
    else if (character === quote) quote = undefined
    at++
  }
  return Math.min(at, text.length)
}

/** Whether the text ends with an escapeChar character that escapes nothing. */
function isLoneEscape(text: string, at: number, escapeChar: string): boolean {
  if (at < text.length || text.at(-1) !== escapeChar) return false
  let count = 0
  while (text[text.length - 1 - count] === escapeChar) count++
  return count % 2 === 1
}
