import { toTimestamp } from '@caisson/api'
import type { ExitStatus } from '@caisson/api/container'
import type { Exit } from '../container/container.ts'

/** How a container or an exec ended, as a message. */
export function toExitStatus(exit: Exit): ExitStatus {
  return {
    exitCode: exit.exitCode,
    signal: exit.signal,
    oomKilled: exit.oomKilled,
    startedAt: toTimestamp(exit.startedNs),
    finishedAt: toTimestamp(exit.finishedNs),
    error: exit.error,
    cpuNs: Number(exit.cpuNs),
    memoryPeakBytes: exit.memoryPeakBytes,
    droppedLogBytes: exit.droppedLogBytes,
  }
}

/** What is said of a container that was removed before its end could be told. */
export const REMOVED_EXIT: Exit = {
  exitCode: -1,
  signal: 0,
  oomKilled: false,
  startedNs: 0n,
  finishedNs: 0n,
  error: 'the container was removed before its end could be told',
  cpuNs: 0n,
  memoryPeakBytes: 0,
  droppedLogBytes: 0,
}
