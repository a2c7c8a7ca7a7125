import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 16 << 10

/** What a service said last about its failure: the message of the last fatal or error line, or the last line as it is. */
export function lastWords(logFile: string): string {
  const lines = tail(logFile)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return (
    lines
      .toReversed()
      .map(failureMessage)
      .find((message) => message !== '') ??
    lines.at(-1) ??
    ''
  )
}

function failureMessage(line: string): string {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('level' in entry) || !('msg' in entry)) return ''
    if (entry.level !== 'fatal' && entry.level !== 'error') return ''
    // An error that nobody expected says itself what it is.
    return 'reason' in entry && entry.reason === 'INTERNAL' && 'cause' in entry
      ? firstLine(entry.cause)
      : String(entry.msg)
  } catch {
    // Not a line of the logger: what Node itself prints of an error names it.
    return /^\w*Error(\[|:)|^\w*Error \[/.test(line) ? line : ''
  }
}

function firstLine(cause: unknown): string {
  return String(cause).split('\n')[0] ?? ''
}

function tail(file: string): string {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    // Nothing was written.
    return ''
  }
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, Math.max(0, size - bytes.length)))
  } finally {
    closeSync(fd)
  }
}
