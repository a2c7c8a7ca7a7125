import type { Scope } from '../ports.ts'

/** Bounds of the names of a scope: `first` <= name < `end`. Names are ASCII, so SQLite and we compare them alike. */
export function boundsOf(scope: Scope): readonly [first: string, end: string] {
  if (scope === '*') return ['', '\u007f']
  if (scope.endsWith('/*')) {
    const prefix = scope.slice(0, -1)
    return [prefix, prefix.replace(/\/$/, '0')]
  }
  return [scope, `${scope}\u0000`]
}
