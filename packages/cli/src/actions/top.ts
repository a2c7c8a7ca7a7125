import { ProcessInfo } from '@caisson/api/container'
import { ageOf } from '../output/age.ts'
import { binaryBytes } from '../output/units.ts'
import type { Action } from '../spec.ts'

/** Lists the processes of a container. */
export const top: Action = async ({ engine, out, signal }, args) => {
  const [container = ''] = args
  const { processes } = await (await engine.containers()).top({ container }, { signal })
  out.list(
    processes,
    [
      { head: 'PID', cell: ({ pid }) => String(pid) },
      { head: 'PPID', cell: ({ ppid }) => String(ppid) },
      { head: 'INSIDE', cell: ({ innerPid }) => String(innerPid) },
      { head: 'UID', cell: ({ uid }) => String(uid) },
      { head: 'STATE', cell: ({ state }) => state },
      { head: 'STARTED', cell: ({ startedAt }) => `${ageOf(startedAt)} ago` },
      { head: 'CPU', cell: ({ cpuNs }) => `${(cpuNs / 1e9).toFixed(2)}s` },
      { head: 'MEMORY', cell: ({ residentBytes }) => binaryBytes(residentBytes) },
      { head: 'TTY', cell: ({ tty }) => tty },
      { head: 'COMMAND', cell: ({ command }) => command },
    ],
    ProcessInfo.toJSON,
  )
  return 0
}
