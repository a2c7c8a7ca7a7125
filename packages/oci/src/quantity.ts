import { OciFormatError, shown } from './format-error.ts'

const BYTES = /^(\d{1,16})(?:\.(\d{1,9}))? ?([kmgtp]?)(i?b)?$/i
const CPUS = /^(\d{1,6})(?:\.(\d{1,9}))?$/
const NANO = 1_000_000_000
const UNITS = ['', 'k', 'm', 'g', 't', 'p']

/**
 * Reads an amount of memory as Docker does: "512m", "1.5g", "64MiB", "1048576". Units are powers of 1024, and fractions of
 * a byte are dropped. Throws SIZE_INVALID, also for what is over 2^53 - 1.
 */
export function parseBytes(text: string): number {
  const [, whole, fraction = '', unit = ''] = BYTES.exec(text) ?? []
  const scale = 1024n ** BigInt(UNITS.indexOf(unit.toLowerCase()))
  const digits = 10n ** BigInt(fraction.length)
  const bytes = whole === undefined ? undefined : (BigInt(whole + fraction) * scale) / digits
  if (bytes !== undefined && bytes <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(bytes)
  const message = `${shown(text)} is no size: expected a number with one of the units b, k, m, g and t, such as "512m"`
  throw new OciFormatError('SIZE_INVALID', shown(text), message)
}

/** Reads a number of CPUs, "1.5", exactly, as billionths of one. Throws CPUS_INVALID. */
export function parseNanoCpus(text: string): number {
  const [, whole, fraction = ''] = CPUS.exec(text) ?? []
  if (whole !== undefined) return Number(whole) * NANO + Number(fraction.padEnd(9, '0'))
  const message = `${shown(text)} is no number of CPUs: expected something like "1.5"`
  throw new OciFormatError('CPUS_INVALID', shown(text), message)
}

/** Billionths of a CPU as a quota of microseconds in a period. */
export function nanoCpusToQuota(nanoCpus: number, periodUs = 100_000): number {
  return Math.max(1000, Math.round((nanoCpus * periodUs) / NANO))
}

/** Whether the text is a list of CPUs or memory nodes such as "0-2,7", each below 8192. */
export function isCpuList(text: string): boolean {
  if (text.length > 1024) return false
  return text.split(',').every((part) => {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? []
    return first !== undefined && Number(first) <= Number(last) && Number(last) < 8192
  })
}
