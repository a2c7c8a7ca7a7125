import { setTimeout as sleep } from 'node:timers/promises'
import type { RpcServer } from '@caisson/api'
import { ContainersDefinition } from '@caisson/api/container'
import { ExecsDefinition } from '@caisson/api/exec'
import { HostDefinition } from '@caisson/api/host'
import { VolumesDefinition } from '@caisson/api/volume'
import { outputOf } from './attach/attach-container.ts'
import { agreeSoon } from './connection/agreement.ts'
import { buildCore, type CoreDeps } from './container/build-core.ts'
import { containerAccess } from './container/container-access.ts'
import { ContainerLife } from './container/container-life.ts'
import { clearLeftovers, reconcile } from './container/reconcile.ts'
import { allStandingStill } from './container/standing-still.ts'
import { buildExecs } from './exec/build-execs.ts'
import type { ExecMonitors } from './exec/ports.ts'
import { ContainerFiles } from './files/container-files.ts'
import { LOG_START } from './log/position.ts'
import { archiveHandlers } from './rpc/archives.ts'
import { attach, resize } from './rpc/attach.ts'
import { commitHandlers } from './rpc/commit.ts'
import { containerHandlers } from './rpc/containers.ts'
import { execHandlers } from './rpc/execs.ts'
import { type HostInfo, hostHandlers } from './rpc/host.ts'
import { logs } from './rpc/logs.ts'
import { stats } from './rpc/stats.ts'
import { top } from './rpc/top.ts'
import { volumeHandlers } from './rpc/volumes.ts'
import { VolumeLife } from './volumes/volume-life.ts'

export interface RuntimeDeps extends Omit<CoreDeps, 'stopping'> {
  readonly execMonitors: ExecMonitors
  readonly hostInfo: HostInfo
}

export interface RuntimeService extends AsyncDisposable {
  /** Brings disk and processes together; before serving. */
  reconcile(): Promise<void>
  /** Removes what containers that are gone have left with other services; in the background, until it is done once. */
  clearLeftovers(signal: AbortSignal): Promise<void>
  /** Brings the networks of running containers and what is written down of them together; in the background. */
  agreeOnNetworks(signal: AbortSignal): Promise<void>
  /** Registers the handlers and returns the names of their services. */
  register(server: RpcServer): readonly string[]
}

/** x86-64, and aarch64 as distributions build it. */
const PAGE_BYTES = 4_096
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

/** Builds the runtime from what it is given. */
export function createRuntimeService(deps: RuntimeDeps): RuntimeService {
  const { monitors, processes, log, controlGroups, sandboxes } = deps
  const stopping = new AbortController()
  const core = buildCore({ ...deps, stopping: stopping.signal })
  const access = containerAccess(core)
  const { execs, supervisor: execSupervisor } = buildExecs({ ...deps, access })
  const { registry, mutex } = core
  const files = new ContainerFiles({
    files: deps.files,
    mutex,
    resolve: (reference) => registry.resolve(reference),
    get: (id) => registry.get(id),
  })
  const volumes = new VolumeLife({
    ...core.volumeStore,
    files: deps.files,
    trees: deps.trees,
    standingStill: (containers, work) => allStandingStill(core, containers, work),
  })
  const life = new ContainerLife(core, (id, signal) => outputOf(access, id, LOG_START, signal))
  return {
    async reconcile() {
      await reconcile({ core, monitors, processes, tryLater: core.lookAfter })
      await execSupervisor.recover()
      core.volumeStore.volumes.reconcile()
      await core.stateDirs.spread(log)
      core.stateDirs.fillShelf()
    },
    async clearLeftovers(signal) {
      for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
        try {
          return await clearLeftovers(core, signal)
        } catch (error) {
          log.info({ error: String(error) }, 'another service does not answer yet: leftovers are looked for later')
          await sleep(delay, undefined, { signal }).catch(() => {})
        }
      }
    },
    async agreeOnNetworks(signal) {
      const running = core.table.active().map(({ id }) => id)
      await agreeSoon(core, running, AbortSignal.any([signal, stopping.signal]))
    },
    register(server) {
      server.register(ContainersDefinition, {
        ...containerHandlers(life),
        ...commitHandlers(life),
        ...archiveHandlers(files),
        attach: attach(access),
        resize: resize(access),
        logs: logs(access),
        stats: stats({
          access,
          usageOf: (container) => controlGroups.usage(container),
          trafficOf: (ids, signal) => sandboxes.traffic(ids, signal),
          onMissing: (part, error) => log.debug({ part, error: String(error) }, 'a reading goes without a part'),
          proc: '/proc',
        }),
        top: top({
          access,
          pidsOf: (container) => controlGroups.processes(container),
          proc: '/proc',
          pageBytes: PAGE_BYTES,
        }),
      })
      server.register(ExecsDefinition, execHandlers(execs))
      const counts = () => life.counts()
      server.register(HostDefinition, hostHandlers(deps.hostInfo, counts))
      server.register(VolumesDefinition, volumeHandlers(volumes))
      return [ContainersDefinition, ExecsDefinition, HostDefinition, VolumesDefinition].map(({ fullName }) => fullName)
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      execSupervisor[Symbol.dispose]()
      core.supervisor[Symbol.dispose]()
      core.spares[Symbol.dispose]()
      await core.discards[Symbol.asyncDispose]()
      await core.volumeStore.volumes[Symbol.asyncDispose]()
    },
  }
}
