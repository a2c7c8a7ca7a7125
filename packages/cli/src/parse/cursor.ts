import { parseInteger } from './numbers.ts'
import { refuse } from './refusal.ts'

/** A place in a log, as --after names it. */
export interface CursorOption {
  /** Name of a service, or of its log. */
  readonly log: string
  readonly sequence: number
}

/** --after ID, the id of an event as `events` prints it, or SERVICE:SEQUENCE. */
export function parseCursors(values: readonly string[]): CursorOption[] {
  return values.map((value) => {
    const at = value.lastIndexOf(':')
    const sequence = value.slice(at + 1)
    if (at < 1 || !/^\d+$/.test(sequence))
      throw refuse(
        '--after',
        value,
        'is not a place in a log: give the id of an event, or runtime:0 for all of a service',
      )
    return { log: value.slice(0, at), sequence: parseInteger('--after', sequence, 0) }
  })
}

/** The cursor that is meant for a service whose log has a name. A name of a service fits any log of it. */
export function cursorFor(
  cursors: readonly CursorOption[],
  service: string,
  log: string,
): { log: string; sequence: number } | undefined {
  const found = cursors.find((cursor) => cursor.log === service || cursor.log === log)
  if (!found) return undefined
  return { log: found.log === service ? '' : found.log, sequence: found.sequence }
}
