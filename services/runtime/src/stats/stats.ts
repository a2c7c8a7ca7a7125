import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '@caisson/api'
import type { ContainerAccess } from '../access.ts'
import type { CgroupStats } from '../cgroup/index.ts'
import type { Container } from '../container/container.ts'
import { countCpus, hostCpuNs } from './host-cpu.ts'

/** Traffic of an interface of a sandbox. */
export interface InterfaceTraffic {
  readonly sandboxId: string
  readonly interfaceName: string
  readonly networkId: string
  readonly networkName: string
  readonly rxBytes: number
  readonly rxPackets: number
  readonly rxErrors: number
  readonly rxDropped: number
  readonly txBytes: number
  readonly txPackets: number
  readonly txErrors: number
  readonly txDropped: number
}

export interface StatsDeps {
  readonly access: ContainerAccess
  /** What a container uses now; without parts when it is gone. */
  readonly usageOf: (container: Container) => Promise<CgroupStats>
  /** Traffic of sandboxes by their ids. */
  readonly trafficOf: (sandboxIds: readonly string[], signal: AbortSignal) => Promise<readonly InterfaceTraffic[]>
  /** Told of a reading that has to do without a part. */
  readonly onMissing: (part: string, error: unknown) => void
  /** Where proc is mounted. */
  readonly proc: string
}

/** One reading of a container. */
export interface Reading {
  readonly container: Container
  readonly timeNs: bigint
  readonly usage: CgroupStats
  readonly traffic: readonly InterfaceTraffic[]
  /** Nanoseconds of all processors of the host so far. */
  readonly hostCpuNs: number
  /** Processors that it may use. */
  readonly cpus: number
}

/** What containers use now. Those that do not run are left out; `references` empty: every one that runs. */
export async function readStats(
  deps: StatsDeps,
  references: readonly string[],
  signal: AbortSignal,
): Promise<Reading[]> {
  const { access } = deps
  if (references.length === 0) return readAll(deps, access.active(), signal)
  const wanted = references.map((name) => access.resolve(name))
  const running = wanted.filter((container) => ['running', 'paused'].includes(access.stateOf(container)))
  return readAll(deps, running, signal)
}

async function readAll(deps: StatsDeps, running: readonly Container[], signal: AbortSignal): Promise<Reading[]> {
  const [hostNs, traffic, usages] = await Promise.all([
    hostCpuNs(deps.proc),
    readTraffic(deps, running, signal),
    Promise.all(running.map((container) => deps.usageOf(container))),
  ])
  const timeNs = now()
  return running.map((container, index) => ({
    container,
    timeNs,
    usage: usages[index] ?? {},
    traffic: traffic.filter(({ sandboxId }) => sandboxId === container.sandbox?.id),
    hostCpuNs: hostNs,
    cpus: countCpus(container.spec.resources.cpusetCpus ?? '') || availableParallelism(),
  }))
}

/**
 * Reads again and again, a reading every `intervalMs`, until those that were named have ended. Without names it goes on
 * until the call ends.
 */
export async function* followStats(
  deps: StatsDeps,
  references: readonly string[],
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Reading[]> {
  const ids = new Set(references.map((name) => deps.access.resolve(name).id))
  for (let next = performance.now(); ; ) {
    const running = deps.access.active().filter(({ id }) => ids.size === 0 || ids.has(id))
    if (ids.size > 0 && running.length === 0) return
    yield await readAll(deps, running, signal)
    // A reader that was too slow gets the next reading when it is due again, not all it missed.
    next = Math.max(next + intervalMs, performance.now())
    await sleep(Math.max(0, next - performance.now()), undefined, { signal })
  }
}

/** Usage is worth having without traffic: a network service that restarts must not end a reading. */
async function readTraffic(
  { trafficOf, onMissing }: StatsDeps,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<readonly InterfaceTraffic[]> {
  const ids = containers.flatMap(({ sandbox }) => (sandbox && sandbox.mode !== 'host' ? [sandbox.id] : []))
  if (ids.length === 0) return []
  try {
    return await trafficOf(ids, signal)
  } catch (error) {
    signal.throwIfAborted()
    onMissing('network', error)
    return []
  }
}
