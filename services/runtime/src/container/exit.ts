import type { ExitRecord } from '../monitor/exit-record.ts'
import type { Exit } from './container.ts'

/** The end that a monitor recorded. */
export function toExit(record: ExitRecord): Exit {
  return {
    exitCode: record.exitCode,
    signal: record.signal,
    oomKilled: record.oomKilled,
    startedNs: record.startedNs,
    finishedNs: record.finishedNs,
    error: '',
    cpuNs: record.cpuNs,
    memoryPeakBytes: record.memoryPeak,
    droppedLogBytes: record.droppedBytes,
  }
}

/** An end that nobody saw: never a 0. */
export function unknownExit(startedNs: bigint, finishedNs: bigint, error: string): Exit {
  return {
    exitCode: -1,
    signal: 0,
    oomKilled: false,
    startedNs,
    finishedNs,
    error,
    cpuNs: 0n,
    memoryPeakBytes: 0,
    droppedLogBytes: 0,
  }
}
