export type Level = 'ok' | 'warn' | 'fail'

/** What the doctor says of one thing. */
export interface Finding {
  readonly name: string
  readonly level: Level
  /** What was found. */
  readonly found: string
  /** How to mend it. Empty when there is nothing to mend. */
  readonly mend: string
}

export function ok(name: string, found: string): Finding {
  return { name, level: 'ok', found, mend: '' }
}

export function warn(name: string, found: string, mend: string): Finding {
  return { name, level: 'warn', found, mend }
}

export function fail(name: string, found: string, mend: string): Finding {
  return { name, level: 'fail', found, mend }
}
