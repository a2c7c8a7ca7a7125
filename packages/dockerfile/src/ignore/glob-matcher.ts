import type { GlobToken } from './glob.ts'

/**
 * Matches whole paths by following all alternatives at once: the time is the path's length times the pattern's, whatever
 * both hold.
 */
export class GlobMatcher {
  readonly #tokens: readonly GlobToken[]

  constructor(tokens: readonly GlobToken[]) {
    this.#tokens = tokens
  }

  matches(path: string): boolean {
    return this.#statesAfter(path).has(this.#tokens.length)
  }

  /** Whether the pattern could match something below the directory. */
  couldMatchBelow(directory: string): boolean {
    const states = this.#statesAfter(`${directory}/`)
    states.delete(this.#tokens.length)
    return states.size > 0
  }

  #statesAfter(path: string): Set<number> {
    let states = this.#skipped(new Set([0]))
    for (const character of path) {
      if (states.size === 0) break
      const next = new Set<number>()
      for (const state of states) this.#step(state, character, next)
      states = this.#skipped(next)
    }
    return states
  }

  #step(state: number, character: string, next: Set<number>): void {
    const token = this.#tokens[state]
    if (token === undefined) {
      if (state < 0) this.#step(-1 - state, character, next)
      return
    }
    switch (token.kind) {
      case 'everything':
        next.add(state)
        break
      case 'many':
        if (character !== '/') next.add(state)
        break
      case 'directories':
        // A state of its own says that the wildcard has begun, and so must end with "/": see #skipped.
        next.add(-1 - state)
        if (character === '/') next.add(state + 1)
        break
      default:
        if (acceptsOne(token, character)) next.add(state + 1)
    }
  }

  /** Wildcards may stand for nothing. */
  #skipped(states: Set<number>): Set<number> {
    for (const state of states) {
      const kind = this.#tokens[state]?.kind
      if (kind === 'many' || kind === 'everything' || kind === 'directories') states.add(state + 1)
    }
    return states
  }
}

function acceptsOne(token: GlobToken, character: string): boolean {
  switch (token.kind) {
    case 'character':
      return token.character === character
    case 'any':
      return character !== '/'
    case 'class':
      return token.negated !== token.ranges.some(([low, high]) => isBetween(character, low, high))
    default:
      return false
  }
}

function isBetween(character: string, low: string, high: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (low.codePointAt(0) ?? 0) <= code && code <= (high.codePointAt(0) ?? 0)
}
