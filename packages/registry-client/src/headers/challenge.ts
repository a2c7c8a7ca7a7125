/** One way to authenticate that a server offers (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: "bearer", "basic". */
  readonly scheme: string
  /** Names in lower case; of a name given twice the first counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN_END = /[\s,="]/
const VALUE_END = /[\s,"]/
const MAX_LENGTH = 16_384

/**
 * Reads WWW-Authenticate: several challenges, quoted strings, and values that should have been quoted. Never throws; what
 * makes no sense is passed over. Linear in the length of the text.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_LENGTH)
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let at = 0
  while (at < text.length) {
    const end = endOf(text, at, TOKEN_END)
    if (end === at) {
      at++
      continue
    }
    const word = text.slice(at, end).toLowerCase()
    const equals = skipSpace(text, end)
    if (text[equals] !== '=') {
      challenges.push({ scheme: word, parameters: new Map() })
      at = end
      continue
    }
    const value = readValue(text, skipSpace(text, equals + 1))
    const parameters = challenges.at(-1)?.parameters
    if (parameters && !parameters.has(word)) parameters.set(word, value.text)
    at = value.end
  }
  return challenges
}

function readValue(text: string, start: number): { text: string; end: number } {
  if (text[start] === '"') return readQuoted(text, start + 1)
  const end = endOf(text, start, VALUE_END)
  return { text: text.slice(start, end), end }
}

function readQuoted(text: string, start: number): { text: string; end: number } {
  const parts: string[] = []
  let at = start
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\') at++
    parts.push(text[at] ?? '')
    at++
  }
  return { text: parts.join(''), end: at + 1 }
}

function endOf(text: string, start: number, stop: RegExp): number {
  let at = start
  while (at < text.length && !stop.test(text[at] ?? '')) at++
  return at
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}
