import { type Cell, type Cells, KEEP } from './cells.ts'

/** Something that garbage collection is about to remove says so; whoever needs it takes the mark away. */
export interface Condemnable {
  readonly condemned?: true
}

/** What was held more recently than this is not written again. Half of it is far below any grace period. */
const TOUCH_EVERY_MS = 60_000

/**
 * Holds a cell against garbage collection: takes a mark of it away, and makes it young when it is old. Undefined when there is
 * none (any more).
 */
export async function hold<T extends Condemnable>(
  cells: Cells,
  key: string,
  now: number,
): Promise<Cell<T> | undefined> {
  const cell = await cells.read<T>(key)
  if (cell === undefined) return undefined
  if (cell.value.condemned === undefined && Math.abs(now - cell.modifiedAt) < TOUCH_EVERY_MS) return cell
  return await cells.update<T>(key, (present) => (present === undefined ? KEEP : withoutMark(present)))
}

export function withoutMark<T extends Condemnable>(value: T): T {
  const { condemned: _, ...rest } = value
  return rest as T
}
