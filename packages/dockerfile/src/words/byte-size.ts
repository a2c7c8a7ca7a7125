const SIZE = /^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgtp]?)i?b?$/i
const POWERS = ['', 'k', 'm', 'g', 't', 'p']

/** Reads "64m" or "1.5GiB" in powers of 1024, as Docker does for memory; undefined for what is no such size. */
export function parseByteSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (match === null) return undefined
  const [, number = '', unit = ''] = match
  const bytes = Math.trunc(Number(number) * 1024 ** POWERS.indexOf(unit.toLowerCase()))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
