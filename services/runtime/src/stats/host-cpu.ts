import { readFile } from 'node:fs/promises'

/** USER_HZ is 100 on every architecture that we run on. */
const NS_PER_TICK = 10_000_000
/** user, nice, system, idle, iowait, irq, softirq, steal. What guests used is in user and nice already. */
const COUNTED = 8

/** Nanoseconds of all processors of the host since its start, idle ones included. */
export async function hostCpuNs(proc: string): Promise<number> {
  return parseHostCpu(await readFile(`${proc}/stat`, 'utf8'))
}

/** The first line of /proc/stat, summed. */
export function parseHostCpu(text: string): number {
  const line = /^cpu\s+(.+)$/m.exec(text)?.[1] ?? ''
  const ticks = line.trim().split(/\s+/).slice(0, COUNTED).map(Number)
  return ticks.reduce((sum, value) => sum + value, 0) * NS_PER_TICK
}

/** How many processors a list such as 0-2,4 names; 0 for an empty one. */
export function countCpus(list: string): number {
  const cpus = new Set<number>()
  for (const part of list.split(',')) {
    const range = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part)
    if (!range) continue
    for (let cpu = Number(range[1]); cpu <= Number(range[2] ?? range[1]); cpu += 1) cpus.add(cpu)
  }
  return cpus.size
}
