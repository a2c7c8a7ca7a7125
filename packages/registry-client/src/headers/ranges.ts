/** Content-Range of an answer 206: "bytes 5-9/10", both ends included; `total` is undefined for "*". */
export interface ContentRange {
  readonly first: number
  readonly last: number
  readonly total: number | undefined
}

const CONTENT_RANGE = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i
const UPLOADED = /^(?:bytes=)?0-(\d{1,16})$/i
const LENGTH = /^\d{1,16}$/

/** Undefined for anything that is no range of bytes. */
export function parseContentRange(header: string): ContentRange | undefined {
  const [, from, to, of] = CONTENT_RANGE.exec(header) ?? []
  const [first, last, total] = [Number(from), Number(to), of === '*' ? undefined : Number(of)]
  const areGood = [first, last, total ?? 0].every(Number.isSafeInteger)
  if (!areGood || first > last || (total !== undefined && last >= total)) return undefined
  return { first, last, total }
}

/**
 * How many bytes of an upload a registry has, by its Range: "0-99" is 100. "0-0" is what registries say of an upload
 * without a byte, so it counts as none. Undefined when it says nothing that can be read.
 */
export function parseUploaded(header: string | undefined): number | undefined {
  const last = Number(UPLOADED.exec(header ?? '')?.[1])
  if (!Number.isSafeInteger(last)) return undefined
  return last === 0 ? 0 : last + 1
}

/** Content-Length and the like. Undefined when it is absent or no number. */
export function parseLength(header: string | undefined): number | undefined {
  const length = LENGTH.test(header ?? '') ? Number(header) : Number.NaN
  return Number.isSafeInteger(length) ? length : undefined
}
