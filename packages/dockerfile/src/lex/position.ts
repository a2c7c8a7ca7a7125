/** A place in the file as it was written. Both count from 1; a column is a UTF-16 code unit. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** From `start` up to, but not with, `end`. */
export interface Range {
  readonly start: Position
  readonly end: Position
}

/** Text and where it stood. */
export interface Word {
  readonly text: string
  readonly range: Range
}
