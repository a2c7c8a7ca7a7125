import { refuse } from './refusal.ts'

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
}
const STEP = /(\d{1,12})(?:\.(\d{1,9}))?(ns|us|µs|ms|s|m|h|d)/y

/** A length of time in nanoseconds: 90s, 1h30m, 1.5h, 2d. Undefined when the text is none. */
export function parseDuration(text: string): bigint | undefined {
  let total = 0n
  STEP.lastIndex = 0
  while (STEP.lastIndex < text.length) {
    const found = STEP.exec(text)
    const unit = UNIT_NS[found?.[3] ?? '']
    if (!found?.[1] || unit === undefined) return undefined
    const fraction = found[2] ?? ''
    total += (BigInt(found[1] + fraction) * unit) / 10n ** BigInt(fraction.length)
  }
  return text === '' ? undefined : total
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?$/
const UNIX = /^(\d{1,11})(?:\.(\d{1,9}))?$/

/**
 * A point in time as nanoseconds since 1970: RFC 3339 (a date alone, and without a zone local time, too), seconds since
 * 1970, or a length of time before `nowNs`.
 */
export function parseTime(what: string, value: string, nowNs: bigint): bigint {
  const time = fromUnix(value) ?? fromDate(value) ?? fromDuration(value, nowNs)
  if (time !== undefined) return time
  throw refuse(
    what,
    value,
    "is not a time: write it as 2026-01-31T12:00:00Z, as seconds since 1970, or as '10m' for ten minutes ago",
  )
}

function fromUnix(value: string): bigint | undefined {
  const found = UNIX.exec(value)
  return found?.[1] ? BigInt(found[1]) * 1_000_000_000n + fractionNs(found[2]) : undefined
}

function fromDate(value: string): bigint | undefined {
  const found = DATE.exec(value)
  if (!found) return undefined
  const [, day, minutes = '00:00', seconds = ':00', fraction, zone = ''] = found
  const milliseconds = Date.parse(`${day}T${minutes}${seconds}${zone}`)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + fractionNs(fraction)
}

function fromDuration(value: string, nowNs: bigint): bigint | undefined {
  const duration = parseDuration(value)
  return duration === undefined ? undefined : nowNs - duration
}

function fractionNs(digits: string | undefined): bigint {
  return BigInt((digits ?? '').padEnd(9, '0'))
}
