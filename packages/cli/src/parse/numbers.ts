import { refuse } from './refusal.ts'

const UNITS: Readonly<Record<string, bigint>> = { '': 1n, k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n }
const SIZE = /^(\d{1,18})(?:\.(\d{1,9}))?\s?([kmgt]?)(?:i?b)?$/i

/** Bytes: 512m, 1.5g, 64KiB, 1024. Units are powers of 1024; what is less than a byte is dropped. */
export function parseSize(what: string, value: string): number {
  const found = SIZE.exec(value)
  const unit = UNITS[found?.[3]?.toLowerCase() ?? '']
  if (!found?.[1] || unit === undefined) throw refuse(what, value, 'is not a size: write it as 512m, 1.5g or 1048576')
  const fraction = found[2] ?? ''
  const bytes = (BigInt(found[1] + fraction) * unit) / 10n ** BigInt(fraction.length)
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse(what, value, 'is too large')
  return Number(bytes)
}

/** The same, or -1 for no limit. */
export function parseSizeOrUnlimited(what: string, value: string): number {
  return value === '-1' ? -1 : parseSize(what, value)
}

/** Processors as billionths: 1.5 is 1500000000. Exact: no more than nine digits behind the point. */
export function parseCpus(value: string): number {
  const found = /^(\d{1,5})?(?:\.(\d{1,9}))?$/.exec(value)
  if (!found || (found[1] === undefined && found[2] === undefined))
    throw refuse('--cpus', value, 'is not a number of processors: write it as 2 or 1.5')
  return Number(`${found[1] ?? ''}${(found[2] ?? '').padEnd(9, '0')}`)
}

/** A whole number within bounds. */
export function parseInteger(what: string, value: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number) || number < least || number > most)
    throw refuse(
      what,
      value,
      `is not a whole number ${most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `of ${least} to ${most}`}`,
    )
  return number
}
