import { DockerfileError } from './dockerfile-error.ts'

const SHOWN_COLUMNS = 160
/** In place of characters that a terminal would obey. */
const UNSHOWN = '\ufffd'

/** Runs `read`; an error of it that has a place leaves with the line of `text` that it points at. */
export function withExcerpt<T>(text: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DockerfileError) || error.range === undefined || error.excerpt !== undefined) throw error
    throw new DockerfileError(error.code, error.message, error.range, excerptOf(text, error.range.start.line))
  }
}

/** One line of a file, without its end, cut to what fits a terminal. Lines count from 1. */
export function excerptOf(text: string, line: number): string {
  let start = 0
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', start)
    if (end < 0) return ''
    start = end + 1
  }
  const end = text.indexOf('\n', start)
  const shownLine = text.slice(start, Math.min(end < 0 ? text.length : end, start + SHOWN_COLUMNS)).replace(/\r$/, '')
  return shownLine.replace(/\p{Cc}/gu, (character) => (character === '\t' ? character : UNSHOWN))
}
