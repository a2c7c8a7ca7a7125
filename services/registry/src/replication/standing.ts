import { isLeased, type Task, type TaskKey } from './task.ts'

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
export function standingOf(tasks: readonly { readonly key: TaskKey; readonly task: Task }[], now: number): Standing {
  const failing =
    tasks.find(({ task }) => task.error !== '' && !isLeased(task, now)) ?? tasks.find(({ task }) => task.error)
  const pending = tasks.reduce((sum, { task }) => sum + Object.keys(task.references).length, 0)
  const isSyncing = tasks.some(({ task }) => task.after !== undefined)
  const state = failing === undefined ? (tasks.length === 0 ? 'idle' : 'copying') : 'failing'
  return { state, error: failing?.task.error ?? '', pending, isSyncing }
}
