import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 40

/** Does the work, and returns the most MiB (PSS) that a process and all below it had together meanwhile. */
export async function peakMemory(pid: number, work: () => Promise<void>): Promise<number> {
  let peak = 0
  let isDone = false
  const working = work().finally(() => {
    isDone = true
  })
  const failed = working.catch(() => {})
  while (!isDone) {
    peak = Math.max(
      peak,
      treeOf(pid).reduce((total, each) => total + pss(each), 0),
    )
    await Promise.race([sleep(EVERY_MS), failed])
  }
  await working
  return peak / 1_024
}

/** A process and all below it. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : ''
    if (stat !== '') parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid !== 0 && (pid === root || isBelow(parents.get(pid)))
  return [...parents.keys()].filter(isBelow)
}

/** In KiB; 0 for a process that has gone. */
function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
