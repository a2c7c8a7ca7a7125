import { CaissonError } from '@caisson/api'
import type { ByteRange } from '../backend/ports.ts'

/**
 * Reads a Range header (RFC 9110). Undefined: the whole is sent, as for several ranges and what is no range of bytes.
 * `size` is what the last bytes are counted from.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') return { first: Number(last) === 0 ? size : Math.max(size - Number(last), 0) }
  if (last === '') return { first: Number(first) }
  return Number(last) < Number(first) ? undefined : { first: Number(first), last: Number(last) }
}

/** Where a chunk is: `a-b`, as the distribution specification has it. Throws BLOB_UPLOAD_INVALID, SIZE_INVALID. */
export function parseChunkRange(
  header: string | undefined,
  length: number | undefined,
): { readonly offset?: number; readonly length?: number } {
  if (header === undefined) return length === undefined ? {} : { length }
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(header)
  const first = Number(match?.[1] ?? 1)
  const last = Number(match?.[2] ?? 0)
  if (!match || last < first)
    throw new CaissonError('invalid-argument', 'Content-Range of a chunk is FIRST-LAST, both included', {
      reason: 'BLOB_UPLOAD_INVALID',
    })
  if (length !== undefined && length !== last - first + 1)
    throw new CaissonError('invalid-argument', 'Content-Range and Content-Length of the chunk do not agree', {
      reason: 'SIZE_INVALID',
    })
  return { offset: first, length: last - first + 1 }
}
