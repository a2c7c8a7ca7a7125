import { readFileSync } from 'node:fs'

/**
 * Names one process for as long as the machine runs: a pid is given out anew, a pid with its start time and the boot is
 * not.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between the boot and its start (proc_pid_stat(5), field 22). */
  readonly startTime: string
  readonly bootId: string
}

/** The identity of a process that runs now; undefined when there is none (or only its remains, a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    // The name in field 2 may hold blanks and brackets: count from behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTime] = [fields[0], fields[19]]
    if (startTime === undefined || state === 'Z' || state === 'X') return undefined
    return { pid, startTime, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() }
  } catch {
    // No such process, or it ended meanwhile.
    return undefined
  }
}

/** Whether that very process still runs. */
export function runs(process: ProcessIdentity): boolean {
  const now = identify(process.pid)
  return now !== undefined && now.startTime === process.startTime && now.bootId === process.bootId
}

/** Sends a signal to that very process; false when it is gone. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!runs(target)) return false
  try {
    return process.kill(target.pid, signal)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}
