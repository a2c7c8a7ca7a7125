/** One step of a pattern: a character, a class of them, or a wildcard. */
export type GlobToken =
  | { readonly kind: 'character'; readonly character: string }
  /** `[a-z]`: like Go's, a class may stand for "/". */
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** `?`, one character but "/"; `*`, any number of those. */
  | { readonly kind: 'any' | 'many' }
  /** `**` with more behind it: nothing, or anything that ends with "/". */
  | { readonly kind: 'directories' }
  /** `**` at the end, and what stands for the inside of `directories`. */
  | { readonly kind: 'everything' }

/** Cuts a pattern into steps, by the rules of Go's filepath.Match with `**`; undefined for what that calls malformed. */
export function compileGlob(pattern: string): readonly GlobToken[] | undefined {
  const characters = [...pattern]
  const tokens: GlobToken[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*' && characters[at + 1] === '*') {
      at += characters[at + 2] === '/' ? 2 : 1
      tokens.push({ kind: at === characters.length - 1 ? 'everything' : 'directories' })
    } else if (character === '*') tokens.push({ kind: 'many' })
    else if (character === '?') tokens.push({ kind: 'any' })
    else if (character === '[') {
      const found = readClass(characters, at + 1)
      if (found === undefined) return undefined
      tokens.push(found.token)
      at = found.end
    } else {
      const isEscape = character === '\\'
      const literal = isEscape ? characters[++at] : character
      if (literal === undefined) return undefined
      tokens.push({ kind: 'character', character: literal })
    }
  }
  return tokens
}

/** `end` is where the closing bracket stands. */
function readClass(characters: readonly string[], start: number): { token: GlobToken; end: number } | undefined {
  let at = start
  const negated = characters[at] === '^'
  if (negated) at++
  const ranges: (readonly [string, string])[] = []
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = readClassCharacter(characters, at)
    if (low === undefined) return undefined
    at = low.next
    if (characters[at] !== '-') {
      ranges.push([low.character, low.character])
      continue
    }
    const high = readClassCharacter(characters, at + 1)
    if (high === undefined) return undefined
    ranges.push([low.character, high.character])
    at = high.next
  }
  return { token: { kind: 'class', negated, ranges }, end: at }
}

function readClassCharacter(
  characters: readonly string[],
  at: number,
): { character: string; next: number } | undefined {
  const character = characters[at]
  if (character === undefined || character === '-' || character === ']') return undefined
  if (character !== '\\') return { character, next: at + 1 }
  const escaped = characters[at + 1]
  return escaped === undefined ? undefined : { character: escaped, next: at + 2 }
}
