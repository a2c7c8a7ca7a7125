import { type Handlers, toTimestamp } from '@caisson/api'
import type { ContainersDefinition } from '@caisson/api/container'
import { listProcesses, type TopDeps } from '../top/top.ts'
import { reference } from './checks.ts'

/** Containers.Top. */
export function top(deps: TopDeps): Handlers<typeof ContainersDefinition>['top'] {
  return async ({ container }) => {
    const processes = await listProcesses(deps, reference('container', container))
    return {
      processes: processes.map(({ startedNs, cpuNs, ...process }) => ({
        ...process,
        startedAt: toTimestamp(startedNs),
        cpuNs: Number(cpuNs),
      })),
    }
  }
}
