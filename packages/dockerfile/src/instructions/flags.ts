import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import type { Statement } from '../lex/statement.ts'
import { didYouMean } from '../suggest.ts'
import type { FlagToken } from '../words/flag-tokens.ts'

/** What a flag takes: yes or no, a value, or a value each time it stands there. */
export type FlagKind = 'boolean' | 'value' | 'values'

/** The flags of one instruction, checked against those that it knows. */
export class Flags {
  readonly #tokens: ReadonlyMap<string, readonly FlagToken[]>

  private constructor(tokens: ReadonlyMap<string, readonly FlagToken[]>) {
    this.#tokens = tokens
  }

  /** Throws FLAG_UNKNOWN, FLAG_DUPLICATE, FLAG_INVALID. */
  static read(statement: Statement, known: Readonly<Record<string, FlagKind>>): Flags {
    const tokens = new Map<string, FlagToken[]>()
    for (const token of statement.flags) {
      const kind = Object.hasOwn(known, token.name) ? known[token.name] : undefined
      if (kind === undefined) throw unknown(statement, token, Object.keys(known))
      const before = tokens.get(token.name)
      if (before !== undefined && kind !== 'values') throw duplicate(token)
      checkValue(token, kind)
      if (before === undefined) tokens.set(token.name, [token])
      else before.push(token)
    }
    return new Flags(tokens)
  }

  values(name: string): Word[] {
    return (this.#tokens.get(name) ?? []).map(({ value = '', range }) => ({ text: value, range }))
  }

  value(name: string): Word | undefined {
    return this.values(name)[0]
  }

  boolean(name: string): boolean | undefined {
    const token = this.#tokens.get(name)?.[0]
    return token === undefined ? undefined : token.value?.toLowerCase() !== 'false'
  }
}

function checkValue(token: FlagToken, kind: FlagKind): void {
  if (kind === 'boolean') {
    const isGood = token.value === undefined || ['true', 'false'].includes(token.value.toLowerCase())
    if (!isGood) throw invalid(token, `is ${shown(token.value ?? '')}; write true or false`)
  } else if (token.value === undefined) {
    throw invalid(token, `has no value; write --${token.name}=...`)
  }
}

function invalid(token: FlagToken, why: string): DockerfileError {
  return new DockerfileError('FLAG_INVALID', `the flag --${token.name} ${why}`, token.range)
}

function duplicate(token: FlagToken): DockerfileError {
  const message = `the flag --${token.name} stands twice; keep one of them`
  return new DockerfileError('FLAG_DUPLICATE', message, token.range)
}

function unknown(statement: Statement, token: FlagToken, known: readonly string[]): DockerfileError {
  const name = statement.keyword.text.toUpperCase()
  const written = `--${token.name.slice(0, 40)}`
  const list = known.length === 0 ? 'it has none' : `it has ${known.map((flag) => `--${flag}`).join(', ')}`
  const hint = didYouMean(
    written,
    known.map((flag) => `--${flag}`),
  )
  return new DockerfileError('FLAG_UNKNOWN', `${name} has no flag ${shown(written)}${hint}: ${list}`, token.range)
}
