import { type Handlers, invalid, toTimestamp } from '@caisson/api'
import type { ContainerStats, ContainersDefinition } from '@caisson/api/container'
import type { CgroupStats } from '../cgroup/index.ts'
import { followStats, type Reading, readStats, type StatsDeps } from '../stats/stats.ts'
import { atMost, reference } from './checks.ts'

const DEFAULT_INTERVAL_MS = 1_000
const MIN_INTERVAL_MS = 100

/** Containers.Stats. */
export function stats(deps: StatsDeps): Handlers<typeof ContainersDefinition>['stats'] {
  return async function* ({ containers, follow, intervalMs }, { signal }) {
    atMost('containers', containers, 10_000)
    for (const [index, name] of containers.entries()) reference(`containers[${index}]`, name)
    const interval = intervalMs === 0 ? DEFAULT_INTERVAL_MS : intervalMs
    if (interval < MIN_INTERVAL_MS) throw invalid(`interval_ms: ${interval} is too short: at least ${MIN_INTERVAL_MS}`)
    if (!follow) {
      yield { containers: (await readStats(deps, containers, signal)).map(statsOut) }
      return
    }
    for await (const readings of followStats(deps, containers, interval, signal))
      yield { containers: readings.map(statsOut) }
  }
}

function statsOut({ container, timeNs, usage, traffic, hostCpuNs, cpus }: Reading): ContainerStats {
  return {
    id: container.id,
    name: container.name,
    time: toTimestamp(timeNs),
    cpu: cpuOut(usage.cpu, hostCpuNs, cpus),
    memory: memoryOut(usage.memory),
    pids: usage.pids?.current ?? 0,
    pidsLimit: usage.pids?.limit ?? 0,
    block: (usage.io?.devices ?? []).map((device) => ({ ...device })),
    network: traffic.map((counters) => ({ ...counters })),
  }
}

function cpuOut(cpu: CgroupStats['cpu'], hostNs: number, onlineCpus: number): ContainerStats['cpu'] {
  return {
    usageNs: cpu?.usageNs ?? 0,
    userNs: cpu?.userNs ?? 0,
    systemNs: cpu?.systemNs ?? 0,
    periods: cpu?.periods ?? 0,
    throttledPeriods: cpu?.throttledPeriods ?? 0,
    throttledNs: cpu?.throttledNs ?? 0,
    hostNs,
    onlineCpus,
  }
}

function memoryOut(memory: CgroupStats['memory']): ContainerStats['memory'] {
  if (!memory) return undefined
  return {
    usageBytes: memory.usage,
    workingSetBytes: memory.workingSet,
    limitBytes: memory.limit ?? 0,
    peakBytes: memory.peak ?? 0,
    anonymousBytes: memory.anonymous,
    fileBytes: memory.file,
    swapBytes: memory.swap,
    oomKills: memory.oomKills,
  }
}
