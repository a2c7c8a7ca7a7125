import type { Fields } from './fields.ts'

/** How a container is asked whether it is well. Times are nanoseconds; 0 or absent: the engine's default. */
export interface Healthcheck {
  /** [] inherits, ['NONE'] turns it off, ['CMD', ...] runs a program, ['CMD-SHELL', text] a shell. */
  readonly test: readonly string[]
  readonly intervalNs?: number
  readonly timeoutNs?: number
  readonly startPeriodNs?: number
  readonly startIntervalNs?: number
  readonly retries?: number
}

const KINDS: ReadonlySet<string> = new Set(['NONE', 'CMD', 'CMD-SHELL'])
/** A shorter one would do nothing but check. */
const LEAST_NS = 1_000_000

export function readHealthcheck(fields: Fields): Healthcheck {
  const test = fields.strings('Test', 10_000, 131_071)
  const [kind, ...rest] = test
  if (kind !== undefined && !KINDS.has(kind)) throw fields.error('Test', 'begins with none of NONE, CMD and CMD-SHELL')
  if ((kind === 'CMD' || kind === 'CMD-SHELL') && rest.length === 0) throw fields.error('Test', 'names no command')
  const time = (name: string): number | undefined => {
    const value = fields.optionalInteger(name) ?? 0
    if (value !== 0 && value < LEAST_NS) throw fields.error(name, `is ${value} ns; at least 1 ms makes sense`)
    return value === 0 ? undefined : value
  }
  const all = {
    intervalNs: time('Interval'),
    timeoutNs: time('Timeout'),
    startPeriodNs: time('StartPeriod'),
    startIntervalNs: time('StartInterval'),
    retries: fields.optionalInteger('Retries', 0, 2 ** 31 - 1),
  }
  return { test, ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) }
}
