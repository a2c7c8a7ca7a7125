/** A place in a log: a segment's number, and the bytes before it in that segment. */
export interface LogPosition {
  readonly segment: number
  readonly offset: number
}

/** Where every log begins. */
export const LOG_START: LogPosition = { segment: 1, offset: 0 }

const CURSOR = /^([0-9]{1,10}):([0-9]{1,15})$/

/** A place as it is handed to clients. */
export function toCursor({ segment, offset }: LogPosition): string {
  return `${segment}:${offset}`
}

/** A place that a client hands back; undefined when it is none. */
export function fromCursor(cursor: string): LogPosition | undefined {
  const parts = CURSOR.exec(cursor)
  const segment = Number(parts?.[1] ?? 0)
  return segment > 0 ? { segment, offset: Number(parts?.[2]) } : undefined
}

/** Negative when `a` is before `b`, 0 when they are the same place. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  return a.segment - b.segment || a.offset - b.offset
}
