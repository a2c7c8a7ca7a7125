import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@caisson/service-kit'
import { background } from '../follow/background.ts'
import { follow } from '../follow/follow.ts'
import type { Bookmarks, EventPage, EventSource } from '../follow/ports.ts'
import type { Planner } from './planner.ts'
import type { Rule, RuleDraft } from './rule.ts'
import type { Rules } from './rules.ts'
import { type Standing, standingOf } from './standing.ts'
import type { TaskBoard } from './task-board.ts'
import type { Workers } from './workers.ts'

export interface ReplicatorDeps {
  readonly source: EventSource
  readonly bookmarks: Bookmarks
  readonly rules: Rules
  readonly board: TaskBoard
  readonly planner: Planner
  readonly workers: Workers
  readonly clock: () => number
  /** Milliseconds between two syncs of everything. 0: none. */
  readonly syncMs: number
  readonly log: Logger
}

export type RuleWithStanding = Rule & { readonly standing: Standing; readonly copiedAt: number | undefined }

const BOOKMARK = 'replication'
const PAGE = 200
/** What happens shortly after is planned together. */
const LINGER_MS = 200
const PACE = { firstMs: 500, mostMs: 30_000 }

/** Keeps copies of repositories in other registries. */
export class Replicator {
  readonly #deps: ReplicatorDeps

  constructor(deps: ReplicatorDeps) {
    this.#deps = deps
  }

  /** Plans and copies until it is disposed. */
  serve(): AsyncDisposable {
    const { log, workers, syncMs } = this.#deps
    const stack = new AsyncDisposableStack()
    const failed = (error: unknown) => {
      log.warn({ error: String(error) }, 'replication cannot go on now: it is tried again')
      return undefined
    }
    const patience = { pace: PACE, failed }
    stack.use(background((signal) => this.#plan(signal), patience))
    stack.use(background((signal) => workers.run(signal), patience))
    if (syncMs > 0) stack.use(background((signal) => this.#syncAgain(signal), patience))
    return stack
  }

  /** Sets a rule, and begins a sync of it. */
  async set(draft: RuleDraft): Promise<RuleWithStanding> {
    const rule = await this.#deps.rules.set(draft)
    await this.#sync(rule)
    return await this.#withStanding(rule)
  }

  async list(): Promise<RuleWithStanding[]> {
    const rules = await this.#deps.rules.list()
    return await Promise.all(rules.map((rule) => this.#withStanding(rule)))
  }

  async delete(name: string): Promise<void> {
    const { rules, board } = this.#deps
    const { uid } = await rules.delete(name)
    for await (const { key } of board.list(uid)) await board.remove(key)
  }

  async sync(name: string): Promise<void> {
    await this.#sync(await this.#deps.rules.find(name))
  }

  /** Somebody who asks for it may have mended what was wrong: nothing rests any more. */
  async #sync(rule: Rule): Promise<void> {
    const { planner, board, workers, clock } = this.#deps
    await planner.sync(rule)
    for await (const { key, task } of board.list(rule.uid)) if (task.notBefore > clock()) await board.hurry(key)
    workers.hurry(rule)
  }

  async #withStanding(rule: Rule): Promise<RuleWithStanding> {
    const { board, workers } = this.#deps
    return { ...rule, standing: await standingOf(board.list(rule.uid)), copiedAt: workers.copiedAt(rule) }
  }

  #plan(signal: AbortSignal): Promise<void> {
    const { source, bookmarks } = this.#deps
    const from = bookmarks.get(BOOKMARK)?.sequence ?? 0
    return follow({ source, from, pageSize: PAGE, lingerMs: LINGER_MS }, (page) => this.#take(page), signal)
  }

  async #take(page: EventPage): Promise<void> {
    const { planner, bookmarks, workers } = this.#deps
    if (await planner.plan(page)) workers.wake()
    bookmarks.set(BOOKMARK, { sequence: page.last, notes: null })
  }

  /** Finds what was missed: an event that a killed process of a pool could not write any more. */
  async #syncAgain(signal: AbortSignal): Promise<void> {
    const { syncMs, planner, rules } = this.#deps
    for (;;) {
      await this.#forgetTasksOfNobody()
      await sleep(Math.min(syncMs, 0x7fffffff), undefined, { signal, ref: false })
      await planner.syncAll(await rules.list())
    }
  }

  /** The rules are read behind the tasks: the rule of a task is older. */
  async #forgetTasksOfNobody(): Promise<void> {
    const { board, rules } = this.#deps
    const tasks = await Array.fromAsync(board.list(), ({ key }) => key)
    const known = new Set((await rules.list()).map(({ uid }) => uid))
    for (const key of tasks) if (!known.has(key.uid)) await board.remove(key)
  }
}
