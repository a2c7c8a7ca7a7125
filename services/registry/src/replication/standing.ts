import type { KnownTask } from './task-board.ts'

/** How a replication stands, in all processes together. */
export interface Standing {
  readonly state: 'idle' | 'copying' | 'failing'
  /** Why it fails. Empty: it does not. */
  readonly error: string
  /** Tags and digests that wait. */
  readonly pending: number
  /** Whether there may be more than these: a sync is under way. */
  readonly isSyncing: boolean
}

/** From the tasks that there are. */
export async function standingOf(tasks: AsyncIterable<KnownTask>): Promise<Standing> {
  let [count, pending, error, isSyncing] = [0, 0, '', false]
  for await (const { task } of tasks) {
    count++
    pending += Object.keys(task.references).length
    error ||= task.error
    isSyncing ||= task.after !== undefined
  }
  return { state: error === '' ? (count === 0 ? 'idle' : 'copying') : 'failing', error, pending, isSyncing }
}
