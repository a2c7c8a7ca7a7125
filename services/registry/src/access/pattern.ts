import { invalid } from '@caisson/api'
import { isRepositoryName } from '../distribution/names.ts'

/**
 * Which repositories a grant is about:
 *
 * - `team/app` is that repository and no other;
 * - `team/*` is every repository below `team`, however deep, and not `team` itself;
 * - `*` is every repository;
 * - anywhere else `*` stands for any characters of one part of the name, also none: `team/app-*`, `team/*-cache`.
 */
export type RepositoryPattern = {
  readonly text: string
  /** One for each part of the name, without a last part that is a lone `*`. */
  readonly parts: readonly string[]
  /** Whether at least one more part must follow. */
  readonly isNamespace: boolean
}

const MAX_LENGTH = 255

/** Reads a pattern as an operator writes it. Throws INVALID and says what is wrong. */
export function parsePattern(text: string): RepositoryPattern {
  if (text.length > MAX_LENGTH) throw refused(text, `it has more than ${MAX_LENGTH} characters`)
  if (text.includes('**')) throw refused(text, '** is not known; a /* at the end already reaches however deep')
  if (!isRepositoryName(text.replaceAll('*', 'x')))
    throw refused(text, 'expected the name of a repository, with * for what varies: team/app, team/*, team/app-*, *')
  const parts = text.split('/')
  const isNamespace = parts.at(-1) === '*'
  return { text, parts: isNamespace ? parts.slice(0, -1) : parts, isNamespace }
}

/** Whether a name is meant. What is no name of a repository never is. */
export function matchesPattern(pattern: RepositoryPattern, name: string): boolean {
  return isRepositoryName(name) && fits(pattern, name.split('/'))
}

/** Whether every name that `inner` means is meant by `outer` too. */
export function coversPattern(outer: RepositoryPattern, inner: RepositoryPattern): boolean {
  // Read as a name, the inner pattern's stars fit only where the outer one has stars.
  if (!inner.isNamespace) return fits(outer, inner.parts)
  return outer.isNamespace && fits(outer, [...inner.parts, '*'])
}

function fits({ parts, isNamespace }: RepositoryPattern, name: readonly string[]): boolean {
  if (isNamespace ? name.length <= parts.length : name.length !== parts.length) return false
  return parts.every((part, index) => fitsPart(part, name[index] ?? ''))
}

/** Goes back to the last star only, so the time is at most the product of the lengths. */
function fitsPart(pattern: string, text: string): boolean {
  let [at, next, star, kept] = [0, 0, -1, 0]
  while (at < text.length) {
    if (pattern[next] === '*') [star, kept, next] = [next, at, next + 1]
    else if (pattern[next] === text[at]) [at, next] = [at + 1, next + 1]
    else if (star >= 0) [kept, at, next] = [kept + 1, kept + 1, star + 1]
    else return false
  }
  while (pattern[next] === '*') next++
  return next === pattern.length
}

function refused(text: string, why: string): Error {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return invalid(`${shown} is not a pattern of repositories: ${why}`, { details: { field: 'repositories' } })
}
