/** Nanoseconds in each unit of Go's durations. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  μs: 1_000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
  h: 3_600_000_000_000,
}

const PART = /([0-9]{0,18})(?:\.([0-9]{0,18}))?(ns|us|µs|μs|ms|s|m|h)/y

/** Reads "1h30m", "1.5s" or "0" as Go does, into whole nanoseconds; undefined for what is none, or too long to count. */
export function parseDuration(text: string): number | undefined {
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const rest = text.slice(sign.length)
  if (rest === '0') return 0
  let total = 0
  PART.lastIndex = 0
  while (PART.lastIndex < rest.length || rest === '') {
    const match = PART.exec(rest)
    const [, whole = '', fraction = '', unit = ''] = match ?? []
    if (match === null || whole + fraction === '') return undefined
    total += Number(`${whole === '' ? '0' : whole}.${fraction}0`) * (UNITS[unit] ?? 0)
  }
  const rounded = Math.trunc(total)
  if (!Number.isSafeInteger(rounded)) return undefined
  return sign === '-' && rounded !== 0 ? -rounded : rounded
}
