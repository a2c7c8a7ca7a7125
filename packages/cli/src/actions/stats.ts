import { ContainerStats } from '@caisson/api/container'
import type { Context } from '../context.ts'
import type { Column } from '../output/output.ts'
import { binaryBytes, decimalBytes } from '../output/units.ts'
import { persist } from '../recover.ts'
import type { Action } from '../spec.ts'

/** A reading, with what changed since the one before it. */
interface Reading {
  readonly stats: ContainerStats
  /** Percent of one processor. */
  readonly cpuPercent: number
}

const CLEAR = '\x1b[H\x1b[J'

/** Shows what containers use: again and again, or once. */
export const stats: Action = async (context, args, options) => {
  const once = options.maybeFlag('stream') === false
  const containers = await context.engine.containers()
  let before = new Map<string, ContainerStats>()
  await persist(async (progress) => {
    // Use of processors is the difference of two readings: the first alone cannot tell it.
    const intervalMs = once && before.size === 0 ? 250 : 1_000
    const request = { containers: [...args], follow: true, intervalMs }
    for await (const message of containers.stats(request, { signal: context.signal })) {
      progress()
      const readings = message.containers.map((one) => ({
        stats: one,
        cpuPercent: cpuPercent(one, before.get(one.id)),
      }))
      const first = before.size === 0 && message.containers.length > 0
      before = new Map(message.containers.map((one) => [one.id, one]))
      if (first) continue
      show(context, readings, once)
      if (once) return
    }
  }, context.signal)
  return 0
}

/** Share of processors between two readings, 100 a processor. */
export function cpuPercent(now: ContainerStats, before: ContainerStats | undefined): number {
  const used = (now.cpu?.usageNs ?? 0) - (before?.cpu?.usageNs ?? 0)
  const host = (now.cpu?.hostNs ?? 0) - (before?.cpu?.hostNs ?? 0)
  return before && host > 0 && used > 0 ? (used / host) * (now.cpu?.onlineCpus || 1) * 100 : 0
}

function show({ out }: Context, readings: readonly Reading[], once: boolean): void {
  if (out.json) {
    const documents = readings.map(toDocument)
    if (once) out.document(documents)
    else for (const document of documents) out.record(document)
    return
  }
  if (!once && process.stdout.isTTY) out.stdout.write(CLEAR)
  out.table(readings, COLUMNS)
}

function toDocument({ stats: one, cpuPercent: percent }: Reading): unknown {
  return { ...(ContainerStats.toJSON(one) as object), cpuPercent: Number(percent.toFixed(2)) }
}

const COLUMNS: readonly Column<Reading>[] = [
  { head: 'CONTAINER ID', cell: ({ stats: { id } }) => id.slice(0, 12) },
  { head: 'NAME', cell: ({ stats: { name } }) => name },
  { head: 'CPU %', cell: ({ cpuPercent: percent }) => `${percent.toFixed(2)}%` },
  { head: 'MEMORY / LIMIT', cell: ({ stats: { memory } }) => describeMemory(memory) },
  { head: 'MEM %', cell: ({ stats: { memory } }) => memoryPercent(memory) },
  { head: 'NET IN / OUT', cell: ({ stats: { network } }) => pair(network, 'rxBytes', 'txBytes') },
  { head: 'BLOCK IN / OUT', cell: ({ stats: { block } }) => pair(block, 'readBytes', 'writeBytes') },
  { head: 'PIDS', cell: ({ stats: { pids } }) => String(pids) },
]

type Memory = ContainerStats['memory']

function describeMemory(memory: Memory): string {
  const limit = memory?.limitBytes ? binaryBytes(memory.limitBytes) : 'none'
  return `${binaryBytes(memory?.workingSetBytes ?? 0)} / ${limit}`
}

function memoryPercent(memory: Memory): string {
  if (!memory?.limitBytes) return '-'
  return `${((memory.workingSetBytes / memory.limitBytes) * 100).toFixed(2)}%`
}

function pair<K extends string>(items: readonly Readonly<Record<K, number>>[], first: K, second: K): string {
  const sum = (key: K): string => decimalBytes(items.reduce((total, item) => total + item[key], 0))
  return `${sum(first)} / ${sum(second)}`
}
