import type { Span } from '../lex/span.ts'
import { endOfWord } from '../words/quoted-words.ts'
import { isSpace } from '../words/spaces.ts'
import type { Heredoc } from './heredoc.ts'

export type Marker = Omit<Heredoc, 'content'>

/** Heredocs follow the shell's rules, whatever the escape directive says. */
const ESCAPE = '\\'

/** The `<<NAME` of a line, in order. None where a quote is not closed: then nothing says what is a word. */
export function findMarkers(span: Span): Marker[] {
  const { text } = span
  const markers: Marker[] = []
  if (!text.includes('<<') || hasOpenQuote(text)) return markers
  let at = 0
  while (at < text.length) {
    while (isSpace(text[at])) at++
    const found = readMarker(span, at)
    if (found !== undefined) markers.push(found.marker)
    at = found?.end ?? endOfWord(text, at, ESCAPE)
  }
  return markers
}

/** Whether this word, and all of it, calls for a heredoc. */
export function isMarker(span: Span): boolean {
  return !hasOpenQuote(span.text) && readMarker(span, 0)?.end === span.text.length
}

function readMarker(span: Span, start: number): { marker: Marker; end: number } | undefined {
  const { text } = span
  let at = start
  while (isDigit(text[at])) at++
  const digits = text.slice(start, at)
  if (!text.startsWith('<<', at)) return undefined
  at += 2
  const stripTabs = text[at] === '-'
  if (stripTabs) at++
  while (isSpace(text[at])) at++
  const end = endOfWord(text, at, ESCAPE)
  const written = text.slice(at, end)
  const { name, isQuoted } = unquote(written)
  if (name === '' || written.includes('<')) return undefined
  const descriptor = digits === '' ? 0 : Number(digits.slice(0, 9))
  return { marker: { name, stripTabs, expand: !isQuoted, descriptor, range: span.slice(start, end).range }, end }
}

function unquote(text: string): { name: string; isQuoted: boolean } {
  let [name, isQuoted] = ['', false]
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) [quote, isQuoted] = [character, true]
    else if (character === ESCAPE && quote !== "'") name += text[++at] ?? ''
    else name += character
  }
  return { name, isQuoted }
}

function hasOpenQuote(text: string): boolean {
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === ESCAPE && quote !== "'") at++
    else if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) quote = character
  }
  return quote !== undefined
}

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9'
