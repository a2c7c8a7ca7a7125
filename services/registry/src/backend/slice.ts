import { CaissonError } from '@caisson/api'
import type { ByteRange } from './ports.ts'

/** What a range means for so many bytes. Throws RANGE_INVALID. */
export function sliceOf(range: ByteRange | undefined, size: number): { first: number; length: number } {
  if (range === undefined) return { first: 0, length: size }
  const last = Math.min(range.last ?? size - 1, size - 1)
  if (range.first < size && range.first <= last) return { first: range.first, length: last - range.first + 1 }
  throw new CaissonError('out-of-range', `the blob has ${size} bytes and none of those that were asked for`, {
    reason: 'RANGE_INVALID',
    details: { size: String(size) },
  })
}
