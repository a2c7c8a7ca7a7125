import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { unavailable } from '@caisson/api'
import type { Processes } from '../ports.ts'

const PATIENCE_MS = 10_000
const POLL_MS = 5
/** Place of the start time behind the command's closing bracket: field 22, the first behind it is field 3. */
const START_TIME = 22 - 3
const STATE = 0

/** The processes of this host. */
export function hostProcesses(): Processes {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return { bootId, isAlive, kill }
}

function isAlive(pid: number, startTime: bigint): boolean {
  const fields = statOf(pid)
  // A zombie has ended: whoever is its parent will reap it.
  return fields !== undefined && fields[START_TIME] === String(startTime) && !['Z', 'X'].includes(fields[STATE] ?? '')
}

async function kill(pid: number, startTime: bigint): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (isAlive(pid, startTime)) {
    signalKill(pid)
    await sleep(POLL_MS)
    if (performance.now() > deadline)
      throw unavailable('KILL_TIMEOUT', `process ${pid} was killed and is not gone yet: it may wait for a disk`)
  }
}

function signalKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Fields of /proc/pid/stat from the third on; the second, the command, may hold blanks and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
