import { join } from 'node:path'
import { CaissonError, failedPrecondition } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { CgroupLayout } from '../cgroup/layout.ts'
import { adoptMonitor } from '../monitor/client.ts'
import { loadNative, NATIVE_FILES, type NativeSpawn } from '../native/spawn.ts'
import type { SpawnMonitor } from './launcher.ts'

/** How often children that ended are looked for, beside when a connection closes. */
const REAP_INTERVAL_MS = 1_000

export interface Spawner extends Disposable {
  readonly spawn: SpawnMonitor
  /** Asks the kernel for quick moves between control groups. A kernel that cannot is no error: starts are slower there. */
  favorCgroupMoves(layout: CgroupLayout): void
}

/**
 * Spawns monitors from the native parts in `directory`: from sealed copies, so that replacing the files does not change
 * what runs. Monitors outlive this process; while both live, those that ended are reaped here.
 */
export function openSpawner(directory: string, log: Logger): Spawner {
  const native = load(directory)
  const monitor = native.sealedProgram(join(directory, NATIVE_FILES.monitor))
  const init = native.sealedProgram(join(directory, NATIVE_FILES.init))
  const children = new Children(native, log)
  return {
    spawn(plan, stateDir, hasInit) {
      const state = native.openDirectory(stateDir)
      try {
        const child = native.spawnMonitor({ monitor, init: hasInit ? init : -1, plan, state })
        children.add(child.pidfd)
        const client = adoptMonitor(child.control)
        client.whenClosed(() => children.reapSoon())
        return client
      } catch (error) {
        throw spawnError(error)
      } finally {
        native.closeFd(state)
      }
    },
    favorCgroupMoves({ v1, unified }) {
      // Only moves between version 1 groups wait: a process is born in its version 2 group.
      if (v1[0] === undefined) return
      try {
        native.favorCgroupMoves(unified?.mount ?? v1[0].mount)
      } catch (error) {
        log.warn({ err: error }, 'moves between control groups stay slow')
      }
    },
    [Symbol.dispose]() {
      children[Symbol.dispose]()
      native.closeFd(monitor)
      native.closeFd(init)
    },
  }
}

/** Monitors that this process has spawned, until they are reaped. */
class Children implements Disposable {
  readonly #native: NativeSpawn
  readonly #log: Logger
  readonly #pidfds = new Set<number>()
  readonly #timer: NodeJS.Timeout
  #isDue = false

  constructor(native: NativeSpawn, log: Logger) {
    this.#native = native
    this.#log = log
    this.#timer = setInterval(() => this.#reap(), REAP_INTERVAL_MS).unref()
  }

  add(pidfd: number): void {
    this.#pidfds.add(pidfd)
  }

  /** A monitor has hung up: it ends any moment. */
  reapSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => {
      this.#isDue = false
      this.#reap()
    }, 5).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const pidfd of this.#pidfds) this.#native.closeFd(pidfd)
    this.#pidfds.clear()
  }

  #reap(): void {
    for (const pidfd of this.#pidfds) {
      const status = this.#statusOf(pidfd)
      if (status === null) continue
      this.#pidfds.delete(pidfd)
      this.#native.closeFd(pidfd)
      if (status > 1) this.#log.warn({ status }, 'a monitor ended in an unusual way')
    }
  }

  /** null while it runs. */
  #statusOf(pidfd: number): number | null {
    try {
      return this.#native.waitChild(pidfd)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECHILD') return 0
      throw error
    }
  }
}

function load(directory: string): NativeSpawn {
  try {
    return loadNative(directory)
  } catch (cause) {
    throw failedPrecondition('NATIVE_MISSING', `the native parts in ${directory} cannot be loaded: build them (make)`, {
      cause,
    })
  }
}

function spawnError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EAGAIN' || code === 'ENOMEM')
    return new CaissonError('resource-exhausted', 'the host has no process or memory left for a monitor: try later', {
      reason: code === 'EAGAIN' ? 'NO_PROCESSES' : 'NO_MEMORY',
      cause: error,
    })
  return error
}
