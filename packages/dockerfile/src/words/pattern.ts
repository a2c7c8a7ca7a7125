/** A pattern of `${v#...}`: characters, `?` for any one and `*` for any number of them, newlines excepted. */
export type Pattern = readonly PatternToken[]

type PatternToken = { readonly kind: 'character'; readonly character: string } | { readonly kind: 'any' | 'many' }

/** Pays for matching; throws when it has become too much. */
export type Pay = (steps: number) => void

const ESCAPE = '\\'

/** Undefined for an escape that means nothing: only `*`, `?`, `\`, `}` and `/` can be escaped. */
export function compilePattern(text: string): Pattern | undefined {
  const tokens: PatternToken[] = []
  const characters = [...text]
  for (let at = 0; at < characters.length; at++) {
    let character = characters[at] ?? ''
    if (character === '*') tokens.push({ kind: 'many' })
    else if (character === '?') tokens.push({ kind: 'any' })
    else {
      if (character === ESCAPE) {
        character = characters[++at] ?? ''
        if (character === '' || !'*?\\}/'.includes(character)) return undefined
      }
      tokens.push({ kind: 'character', character })
    }
  }
  return tokens
}

/** The value without the shortest, or longest, beginning that matches. */
export function trimPrefix(pattern: Pattern, value: string, longest: boolean, pay: Pay): string {
  const characters = [...value]
  const end = endOfMatch(pattern, characters, 0, longest, pay)
  return end === undefined ? value : characters.slice(end).join('')
}

/** The value without the shortest, or longest, end that matches. */
export function trimSuffix(pattern: Pattern, value: string, longest: boolean, pay: Pay): string {
  const characters = [...value].reverse()
  const end = endOfMatch([...pattern].reverse(), characters, 0, longest, pay)
  return end === undefined ? value : characters.slice(end).reverse().join('')
}

/** The value with the first match, or all of them, replaced; each match is the longest at the leftmost place. */
export function replaceMatches(pattern: Pattern, value: string, by: string, all: boolean, pay: Pay): string {
  const characters = [...value]
  const starts = startsOfMatches(pattern, characters, pay)
  const parts: string[] = []
  let [copied, previousEnd, at] = [0, -1, 0]
  while (at <= characters.length) {
    if (starts[at] !== 1) {
      at++
      continue
    }
    const end = endOfMatch(pattern, characters, at, true, pay) ?? at
    const isEmptyAfterMatch = end === at && at === previousEnd
    if (!isEmptyAfterMatch) {
      parts.push(characters.slice(copied, at).join(''), by)
      ;[copied, previousEnd] = [end, end]
      if (!all) break
    }
    at = Math.max(end, at + 1)
  }
  return parts.join('') + characters.slice(copied).join('')
}

/** Where the match that begins at `start` ends; undefined for none. All alternatives are followed at once. */
function endOfMatch(
  pattern: Pattern,
  characters: readonly string[],
  start: number,
  longest: boolean,
  pay: Pay,
): number | undefined {
  let states = withSkippedMany(pattern, new Set([0]))
  let end: number | undefined
  for (let at = start; states.size > 0; at++) {
    pay(states.size)
    if (states.has(pattern.length)) end = at
    if (end !== undefined && !longest) break
    const character = characters[at]
    if (character === undefined) break
    states = withSkippedMany(pattern, nextStates(pattern, states, character))
  }
  return end
}

function nextStates(pattern: Pattern, states: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>()
  for (const state of states) {
    const token = pattern[state]
    if (token === undefined || !accepts(token, character)) continue
    next.add(token.kind === 'many' ? state : state + 1)
  }
  return next
}

/** A `*` may stand for nothing. */
function withSkippedMany(pattern: Pattern, states: Set<number>): Set<number> {
  for (const state of states) if (pattern[state]?.kind === 'many') states.add(state + 1)
  return states
}

function accepts(token: PatternToken, character: string): boolean {
  return token.kind === 'character' ? token.character === character : character !== '\n'
}

/** 1 at each place that some match begins at: found from the end, in one pass. */
function startsOfMatches(pattern: Pattern, characters: readonly string[], pay: Pay): Uint8Array {
  const starts = new Uint8Array(characters.length + 1)
  let after = new Uint8Array(pattern.length + 1)
  for (let at = characters.length; at >= 0; at--) {
    pay(pattern.length + 1)
    const here = new Uint8Array(pattern.length + 1)
    here[pattern.length] = 1
    const character = characters[at]
    for (let n = pattern.length - 1; n >= 0; n--) {
      const token = pattern[n]
      const isMany = token?.kind === 'many'
      const follows = token !== undefined && character !== undefined && accepts(token, character)
      if ((isMany && here[n + 1] === 1) || (follows && after[isMany ? n : n + 1] === 1)) here[n] = 1
    }
    starts[at] = here[0] ?? 0
    after = here
  }
  return starts
}
