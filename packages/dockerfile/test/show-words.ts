import type { Range } from '../src/index.ts'

/** " 1:2-3:4" */
export const at = (range: Range | undefined): string =>
  range === undefined ? '' : ` ${range.start.line}:${range.start.column}-${range.end.line}:${range.end.column}`

/** As it is where that reads well, else quoted. */
export function quoted(text: string): string {
  return /^[^\s"\\]+$/.test(text) ? text : JSON.stringify(text)
}
