import { setTimeout as sleep } from 'node:timers/promises'
import { delayAfter } from '../follow/pace.ts'
import type { Rule } from './rule.ts'
import type { Rules } from './rules.ts'
import { isLeased, type Task, type TaskKey, textOf } from './task.ts'
import { TaskRun, type TaskRunDeps } from './task-run.ts'

export interface WorkersDeps extends TaskRunDeps {
  readonly rules: Rules
  /** Tasks at a time, when there are fewer rules. */
  readonly atOnce: number
  /** Milliseconds after which tasks of other processes are looked for. */
  readonly refreshMs: number
}

interface Due {
  readonly rule: Rule
  readonly key: TaskKey
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Of one rule that are begun before the others are looked at again. */
const MOST_DUE = 64
const LEAST_REST_MS = 20

/** Does tasks, some at a time. A target that does not answer is asked by one of them, now and then. */
export class Workers {
  readonly #deps: WorkersDeps
  readonly #running = new Map<string, { readonly uid: string; readonly ended: Promise<void> }>()
  readonly #away = new Map<string, { readonly failures: number; readonly until: number }>()
  readonly #copiedAt = new Map<string, number>()
  /** How many there are. */
  #rules = 0
  #woken = Promise.withResolvers<void>()

  constructor(deps: WorkersDeps) {
    this.#deps = deps
  }

  /** There may be something to do. */
  wake(): void {
    this.#woken.resolve()
  }

  /** When something of a rule was last copied by this process: milliseconds since 1970. */
  copiedAt({ uid }: Rule): number | undefined {
    return this.#copiedAt.get(uid)
  }

  /** The target of a rule is asked at once, though it did not answer. */
  hurry({ uid }: Rule): void {
    this.#away.delete(uid)
    this.wake()
  }

  async run(signal: AbortSignal): Promise<never> {
    try {
      for (;;) {
        signal.throwIfAborted()
        this.#woken = Promise.withResolvers()
        const known = await this.#look()
        const now = this.#deps.clock()
        const due = known.filter(({ at }) => at <= now)
        for (const one of due) await this.#begin(one, signal)
        const next = Math.min(...known.filter(({ at }) => at > now).map(({ at }) => at))
        await this.#rest(next - this.#deps.clock(), signal)
      }
    } finally {
      await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    }
  }

  /** Tasks that nobody works on, by when they may be begun; those of different rules take turns. */
  async #look(): Promise<Due[]> {
    const columns: Due[][] = []
    const rules = await this.#deps.rules.list()
    this.#rules = rules.length
    for (const rule of rules) {
      let column: Due[] = []
      for await (const { key, task } of this.#deps.board.list(rule.uid)) {
        column.push(...this.#dueOf(rule, key, task))
        if (column.length >= 2 * MOST_DUE) column = soonest(column)
      }
      columns.push(soonest(column))
    }
    return Array.from({ length: MOST_DUE }).flatMap((_, index) => columns.flatMap((column) => column[index] ?? []))
  }

  #dueOf(rule: Rule, key: TaskKey, task: Task): Due[] {
    if (this.#running.has(textOf(key))) return []
    const leased = isLeased(task, this.#deps.clock()) && !this.#deps.board.isMine(task)
    const until = Math.max(task.notBefore, leased ? (task.lease?.until ?? 0) : 0, this.#away.get(rule.uid)?.until ?? 0)
    return [{ rule, key, at: until }]
  }

  async #begin({ rule, key }: Due, signal: AbortSignal): Promise<void> {
    if (!this.#mayBegin(rule)) return
    const task = await this.#deps.board.claim(key)
    if (task === undefined) return
    const ended = this.#work(rule, key, task, signal).finally(() => {
      this.#running.delete(textOf(key))
      this.wake()
    })
    this.#running.set(textOf(key), { uid: rule.uid, ended })
  }

  /** Each rule has a place of its own and a share of the others, so that a target that keeps silent holds up nobody. */
  #mayBegin({ uid }: Rule): boolean {
    const { atOnce, clock } = this.#deps
    const running = [...this.#running.values()].filter((one) => one.uid === uid).length
    const away = this.#away.get(uid)
    if (running === 0) return away === undefined || away.until <= clock()
    const share = this.#rules > 1 ? Math.ceil(atOnce / 2) : atOnce
    return away === undefined && this.#running.size < atOnce && running < share
  }

  async #work(rule: Rule, key: TaskKey, task: Task, signal: AbortSignal): Promise<void> {
    const { clock, pace, log } = this.#deps
    const run = new TaskRun(this.#deps, { rule, key, task }, signal)
    try {
      const outcome = await run.run()
      if (outcome === 'done' || run.copied > 0) this.#away.delete(rule.uid)
      if (run.copied > 0) this.#copiedAt.set(rule.uid, clock())
      if (outcome !== 'target-away') return
      const failures = (this.#away.get(rule.uid)?.failures ?? 0) + 1
      this.#away.set(rule.uid, { failures, until: clock() + delayAfter(failures, pace) })
    } catch (error) {
      // Its lease ends by itself.
      log.warn({ replication: rule.name, repository: key.repository, error: String(error) }, 'a copy was not noted')
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { refreshMs } = this.#deps
    const stop = new AbortController()
    const delay = Math.max(Math.min(ms, refreshMs), LEAST_REST_MS)
    const slept = sleep(delay, undefined, { signal: AbortSignal.any([signal, stop.signal]) }).catch(() => {})
    await Promise.race([this.#woken.promise, slept])
    stop.abort()
  }
}

const soonest = (column: readonly Due[]): Due[] => column.toSorted((one, other) => one.at - other.at).slice(0, MOST_DUE)
