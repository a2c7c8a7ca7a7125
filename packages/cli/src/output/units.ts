const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes in powers of 1024, three digits: 1.95MiB. */
export function binaryBytes(bytes: number): string {
  return scaled(bytes, 1024, BINARY)
}

/** Bytes in powers of 1000, three digits: 2.05MB. */
export function decimalBytes(bytes: number): string {
  return scaled(bytes, 1000, DECIMAL)
}

function scaled(bytes: number, base: number, units: readonly string[]): string {
  let value = bytes
  let unit = 0
  while (value >= base && unit < units.length - 1) {
    value /= base
    unit += 1
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${Number(value.toFixed(digits))}${units[unit]}`
}

const STEPS: readonly (readonly [seconds: number, name: string])[] = [
  [365 * 86_400, 'year'],
  [30 * 86_400, 'month'],
  [7 * 86_400, 'week'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]

/** A length of time in its greatest whole unit: 3 minutes. */
export function roughDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000))
  if (seconds < 1) return 'less than a second'
  for (const [size, name] of STEPS) {
    const count = Math.floor(seconds / size)
    if (count >= 1 && (count >= 2 || size <= 3_600)) return `${count} ${name}${count === 1 ? '' : 's'}`
  }
  return `${seconds} seconds`
}

/** Nanoseconds since 1970 as RFC 3339 in UTC with all nine digits. */
export function rfc3339Nano(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n)).toISOString()
  return `${date.slice(0, 19)}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}
