import { DockerfileError, pointRange, shown } from '../dockerfile-error.ts'
import { MAX_DOCKERFILE_BYTES } from '../limits.ts'

/** A line as it stands in the file. */
export interface SourceLine {
  /** Without what ends it. */
  readonly text: string
  /** "\n", "\r\n" or, at the end of the file, nothing. */
  readonly ending: string
  /** From 1. */
  readonly number: number
  /** The column that the text begins at: 2 after a byte order mark, else 1. */
  readonly column: number
}

const BYTE_ORDER_MARK = '\ufeff'

/** The text of a Dockerfile. Throws TOO_LARGE, and TEXT_INVALID for what is not UTF-8 or holds a NUL. */
export function readText(source: string | Uint8Array): string {
  const bytes = typeof source === 'string' ? Buffer.byteLength(source) : source.byteLength
  if (bytes > MAX_DOCKERFILE_BYTES) {
    const message = `the Dockerfile has ${bytes} bytes; at most ${MAX_DOCKERFILE_BYTES} are read`
    throw new DockerfileError('TOO_LARGE', message)
  }
  const text = typeof source === 'string' ? source : decode(source)
  const nul = text.indexOf('\0')
  if (nul >= 0) throw nulError(text, nul)
  return text
}

function decode(source: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source)
  } catch {
    throw new DockerfileError('TEXT_INVALID', 'the Dockerfile is not UTF-8; save it in that encoding')
  }
}

function nulError(text: string, nul: number): DockerfileError {
  const before = text.slice(0, nul).split('\n')
  const range = pointRange({ line: before.length, column: (before.at(-1) ?? '').length + 1 })
  return new DockerfileError('TEXT_INVALID', `the Dockerfile holds the character ${shown('\0')}; remove it`, range)
}

export function splitLines(text: string): SourceLine[] {
  const marked = text.startsWith(BYTE_ORDER_MARK)
  const lines: SourceLine[] = []
  let start = marked ? 1 : 0
  while (start < text.length) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    const whole = text.slice(start, end)
    const bare = whole.replace(/\r?\n$/, '')
    const column = marked && lines.length === 0 ? 2 : 1
    lines.push({ text: bare, ending: whole.slice(bare.length), number: lines.length + 1, column })
    start = end
  }
  return lines
}
