import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { exhausted, failedPrecondition } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { Transactions } from '../content/ports.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { ProjectUsage, QuotaState, QuotaTable, QuotaTool } from './ports.ts'

export interface QuotasDeps {
  readonly dir: StateDir
  readonly staging: Staging
  readonly table: QuotaTable
  readonly tool: QuotaTool
  readonly transactions: Transactions
  /** Numbers that are the store's own. */
  readonly projects: { readonly first: number; readonly count: number }
  readonly log: Logger
}

/** A folder with an empty `fs` and `work`, which are limited together. What is not taken over is thrown away. */
export interface LimitedFolder extends Disposable {
  readonly path: string
  readonly project: number
}

const NAMES = ['fs', 'work']
/** Numbers that somebody else uses are passed over; so many in a row mean that the range is not the store's. */
const ATTEMPTS = 16

/**
 * Limits of snapshots: a project of the file system each. The upper and the work directory are of the same one, for overlayfs
 * moves files between them. A project is free again only when nothing on the disk counts for it any more.
 */
export class Quotas {
  readonly #deps: QuotasDeps
  readonly #inFlight = new Set<number>()

  constructor(deps: QuotasDeps) {
    this.#deps = deps
  }

  /** Makes a folder that holds at most so many bytes. QUOTA_UNSUPPORTED when the disk keeps no quotas. */
  async open(bytes: number, signal: AbortSignal): Promise<LimitedFolder> {
    const { dir, staging: stagings, tool } = this.#deps
    refuseUnsupported(await tool.quotaState(dir.snapshots, signal))
    const project = await this.#take(bytes, signal)
    const staging = stagings.open()
    const close = (): void => {
      staging[Symbol.dispose]()
      this.#inFlight.delete(project)
    }
    try {
      const path = staging.at('snapshot')
      mkdirSync(path, { mode: 0o700 })
      for (const name of NAMES) mkdirSync(join(path, name), { mode: 0o700 })
      await tool.setQuota(path, { project, bytes, names: NAMES }, signal)
      return { path, project, [Symbol.dispose]: close }
    } catch (error) {
      close()
      throw error
    }
  }

  /** Gives a project to a snapshot; inside a transaction. With the row of the snapshot it is given up again. */
  assign(project: number, snapshot: string): void {
    this.#deps.table.assign(project, snapshot)
  }

  /** The limit of a snapshot. 0: none. */
  bytesOf(snapshot: string): number {
    return this.#deps.table.ofSnapshot(snapshot)?.bytes ?? 0
  }

  /** What a snapshot takes, as the file system counts it. Undefined: it has no limit, and is not counted. */
  async usage(snapshot: string, signal: AbortSignal): Promise<ProjectUsage | undefined> {
    const { table, tool, dir } = this.#deps
    const quota = table.ofSnapshot(snapshot)
    return quota && (await tool.quotaUsage(dir.snapshots, quota.project, signal))
  }

  /** Sets every limit again: of a disk that was restored, of folders that a crash took. */
  async restore(signal: AbortSignal): Promise<void> {
    const { table, tool, dir, log } = this.#deps
    for (const { project, snapshot, bytes } of table.all())
      if (snapshot !== undefined)
        try {
          await tool.setQuota(dir.snapshot(snapshot), { project, bytes, names: NAMES }, signal)
        } catch (error) {
          signal.throwIfAborted()
          // It may have been removed meanwhile.
          if (table.ofSnapshot(snapshot)) log.error({ err: error, snapshot }, 'the limit of a snapshot does not hold')
        }
  }

  /** Frees the projects of which nothing is left. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { table, tool, dir, transactions } = this.#deps
    for (const { project, snapshot } of table.all()) {
      if (snapshot !== undefined || this.#inFlight.has(project)) continue
      if ((await tool.quotaUsage(dir.snapshots, project, signal)).inodes > 0) continue
      await tool.setQuota(dir.snapshots, { project, bytes: 0, names: [] }, signal)
      transactions.transaction(() => table.delete(project), 'crash')
    }
  }

  async #take(bytes: number, signal: AbortSignal): Promise<number> {
    const { table, tool, dir, transactions, projects } = this.#deps
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const project = table.free(projects.first)
      if (project >= projects.first + projects.count) break
      transactions.transaction(() => table.insert({ project, snapshot: undefined, bytes }), 'crash')
      this.#inFlight.add(project)
      try {
        if ((await tool.quotaUsage(dir.snapshots, project, signal)).inodes === 0) return project
      } catch (error) {
        this.#inFlight.delete(project)
        throw error
      }
      this.#inFlight.delete(project)
    }
    throw exhausted(
      'QUOTA_PROJECTS',
      `no number of a project from ${projects.first} on is free: remove containers, or give the image store others (quotaProjects)`,
    )
  }
}

const ENABLE = {
  ext4: "unmount it, run 'tune2fs -O project,quota' on its device, and mount it with the option prjquota",
  xfs: 'mount it with the option prjquota',
}

function refuseUnsupported({ filesystem, enforces }: QuotaState): void {
  if (enforces) return
  const message =
    filesystem === 'other'
      ? 'the file system of the image store keeps no quotas of directories: use ext4 or xfs, mounted with the option prjquota'
      : `the ${filesystem} of the image store is not mounted with the option prjquota: ${ENABLE[filesystem]}`
  throw failedPrecondition('QUOTA_UNSUPPORTED', `${message}; or ask for no quota`, { details: { filesystem } })
}
