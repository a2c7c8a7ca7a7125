import type { Span } from '../lex/span.ts'

/** What separates words; a line has no newline in it. */
export function isSpace(character: string | undefined): boolean {
  return character !== undefined && (character === ' ' || (character !== '' && character.trim() === ''))
}

/** Splits at spaces, quotes or not. */
export function splitAtSpaces(span: Span): Span[] {
  const words: Span[] = []
  const { text } = span
  let at = 0
  while (at < text.length) {
    while (isSpace(text[at])) at++
    const start = at
    while (at < text.length && !isSpace(text[at])) at++
    if (at > start) words.push(span.slice(start, at))
  }
  return words
}

/** The first word, and what follows it without the spaces between. */
export function splitFirst(span: Span): [first: Span, rest: Span] {
  const { text } = span
  let end = 0
  while (end < text.length && !isSpace(text[end])) end++
  let next = end
  while (isSpace(text[next])) next++
  return [span.slice(0, end), span.slice(next)]
}
