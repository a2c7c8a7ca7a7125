import { OciFormatError } from './format-error.ts'

export interface JsonLimits {
  /** What the document is, for messages: "manifest". */
  readonly subject: string
  readonly maxBytes: number
  /** Nesting of objects and lists; 64 by default. */
  readonly maxDepth?: number
}

const DEFAULT_DEPTH = 64
const BYTE_ORDER_MARK = '\ufeff'
/** From this many digits on a number may be one that JSON.parse would round. */
const LONG_NUMBER = /\d{16}/

/**
 * Reads a JSON document as strictly as something that is named by its digest deserves: UTF-8 without a byte order mark,
 * no name twice in an object (two readers could see two documents), bounded in size and depth. Whole numbers that a double
 * would round are returned as bigint, so that no reader takes them for another number.
 *
 * Throws OciFormatError: JSON_TOO_LARGE, JSON_TOO_DEEP, JSON_DUPLICATE_NAME, JSON_INVALID.
 */
export function parseJson(document: Uint8Array | string, limits: JsonLimits): unknown {
  const bytes = typeof document === 'string' ? Buffer.byteLength(document) : document.byteLength
  if (bytes > limits.maxBytes) {
    const message = `the ${limits.subject} has ${bytes} bytes; at most ${limits.maxBytes} are read`
    throw new OciFormatError('JSON_TOO_LARGE', limits.subject, message)
  }
  const text = typeof document === 'string' ? document : decode(document, limits.subject)
  if (text.startsWith(BYTE_ORDER_MARK)) throw malformed(limits.subject, 'it begins with a byte order mark')
  scan(text, limits)
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text)
  } catch (error) {
    throw malformed(limits.subject, error instanceof Error ? error.message : 'it cannot be read')
  }
}

function decode(document: Uint8Array, subject: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(document)
  } catch {
    throw malformed(subject, 'it is not UTF-8')
  }
}

function keepExact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}

/**
 * Looks for depth and repeated names, in one pass and without recursion. Whether the text is JSON at all is JSON.parse's
 * to say: for what is not, this finds nothing or anything.
 */
function scan(text: string, limits: JsonLimits): void {
  const maxDepth = limits.maxDepth ?? DEFAULT_DEPTH
  /** Names of each open object; undefined for an open list. */
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') {
      const end = endOfString(text, at)
      noteName(text, at, end, open.at(-1), limits.subject)
      at = end
    } else if (character === '{' || character === '[') {
      if (open.length === maxDepth) {
        const message = `the ${limits.subject} is nested more than ${maxDepth} deep`
        throw new OciFormatError('JSON_TOO_DEEP', limits.subject, message)
      }
      open.push(character === '{' ? new Set() : undefined)
    } else if (character === '}' || character === ']') {
      open.pop()
    }
  }
}

/** Position of the closing quote, or of the text's end. */
function endOfString(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end
}

const SPACE = /\s/

function noteName(text: string, start: number, end: number, names: Set<string> | undefined, subject: string): void {
  if (names === undefined) return
  let after = end + 1
  while (SPACE.test(text[after] ?? '')) after++
  if (text[after] !== ':') return
  const raw = text.slice(start + 1, end)
  const name = raw.includes('\\') ? unescaped(raw, subject) : raw
  if (names.has(name)) {
    const shown = JSON.stringify(name.slice(0, 60))
    throw new OciFormatError('JSON_DUPLICATE_NAME', subject, `the ${subject} has the name ${shown} twice in one object`)
  }
  names.add(name)
}

function unescaped(raw: string, subject: string): string {
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    throw malformed(subject, 'a name holds a broken escape')
  }
}

function malformed(subject: string, why: string): OciFormatError {
  return new OciFormatError('JSON_INVALID', subject, `the ${subject} is no JSON document: ${why}`)
}
