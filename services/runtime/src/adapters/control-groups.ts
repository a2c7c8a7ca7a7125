import { rmdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsence } from '../cgroup/file.ts'
import {
  type CgroupHost,
  freezeCgroup,
  killCgroup,
  listCgroupProcesses,
  placeCgroup,
  placeContainer,
  readCgroupStats,
  removeCgroup,
  thawCgroup,
  updateCgroup,
  waitCgroupEmpty,
} from '../cgroup/index.ts'
import { linuxResources } from '../container/resources.ts'
import type { HostFacts } from '../container/runtime-spec.ts'
import type { ControlGroups } from '../ports.ts'

const EMPTY_TIMEOUT_MS = 10_000

/** The control groups of this host. */
export function hostControlGroups(host: CgroupHost, facts: HostFacts): ControlGroups {
  return {
    freeze: ({ id }) => freezeCgroup(placeContainer(host, id)),
    async thaw({ id }) {
      try {
        await thawCgroup(placeContainer(host, id))
      } catch (error) {
        // It has ended: nothing of it is frozen.
        if (!isAbsence(error)) throw error
      }
    },
    async update({ id }, changes, whole) {
      await updateCgroup(
        host,
        placeContainer(host, id),
        linuxResources(withPartners(changes, whole), facts.numberOf, true),
      )
      return []
    },
    async sweep(id) {
      const placement = placeContainer(host, id)
      await killCgroup(placement)
      await waitCgroupEmpty(placement, AbortSignal.timeout(EMPTY_TIMEOUT_MS))
      await removeCgroup(placement)
    },
    async list() {
      const engine = placeCgroup(host.layout, host.enginePath)
      const directories = [...engine.v1.map(({ directory }) => directory), ...(engine.unified ? [engine.unified] : [])]
      const names = await Promise.all(directories.map((directory) => readdir(directory)))
      return [...new Set(names.flat())].filter((name) => /^[0-9a-f]{64}$/.test(name))
    },
    usage: ({ id }) => readCgroupStats(host, placeContainer(host, id)),
    processes: ({ id }) => listCgroupProcesses(placeContainer(host, id)),
  }
}

/** Takes the engine's own groups away when no container is in them; prepareCgroupHost makes them anew. */
export function removeIfEmpty(host: CgroupHost): void {
  const { v1, unified } = placeCgroup(host.layout, host.enginePath)
  for (const directory of [...v1.map((hierarchy) => hierarchy.directory), ...(unified ? [unified] : [])])
    try {
      rmdirSync(directory)
    } catch {
      // Containers go on in there.
    }
}

/** The limit of swap is one of memory and swap together: it moves with that of memory. */
function withPartners<T extends { memoryBytes?: number; memorySwapBytes?: number }>(changes: T, whole: T): T {
  if (changes.memorySwapBytes !== undefined && changes.memoryBytes === undefined && whole.memoryBytes !== undefined)
    return { ...changes, memoryBytes: whole.memoryBytes }
  if (changes.memoryBytes !== undefined && whole.memorySwapBytes !== undefined)
    return { ...changes, memorySwapBytes: whole.memorySwapBytes }
  return changes
}
