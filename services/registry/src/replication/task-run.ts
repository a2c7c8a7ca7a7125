import { CaissonError } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { RepositoryName, TagName } from '../distribution/names.ts'
import { delayAfter, type Pace } from '../follow/pace.ts'
import type { BlobSource } from './blob-copy.ts'
import { Copier } from './copier.ts'
import type { IsMirrored, Targets } from './ports.ts'
import { isCopied, isCopiedTag, type Rule } from './rule.ts'
import { isEmpty, type Task, type TaskKey, withMore, without } from './task.ts'
import { LEASE_MS, type TaskBoard } from './task-board.ts'

export interface TaskRunDeps {
  readonly board: TaskBoard
  readonly source: BlobSource
  readonly targets: Targets
  readonly isMirrored: IsMirrored
  readonly pace: Pace
  readonly clock: () => number
  readonly log: Logger
}

export interface Claimed {
  readonly rule: Rule
  readonly key: TaskKey
  readonly task: Task
}

/** How it ended: all is done; something is left for later; or the target is to be left alone for some time. */
export type Outcome = 'done' | 'failed' | 'target-away'

/** What is done before it is noted: so much is done again after the end of the process. */
const BATCH = 16
const REPOSITORIES = 100
const TAGS = 200
/** Beyond that many failures there is no use in going on, and no room for more. */
const MOST_FAILED = 500

/** Does a task that was taken on, to its end, and gives signs of life meanwhile. */
export class TaskRun {
  readonly #deps: TaskRunDeps
  readonly #rule: Rule
  readonly #key: TaskKey
  readonly #lost = new AbortController()
  readonly #signal: AbortSignal
  /** What failed in this run, by its mark: it is not tried again before the others. */
  readonly #failed = new Map<string, string>()
  #task: Task
  #failure: CaissonError | undefined
  #copied = 0

  constructor(deps: TaskRunDeps, { rule, key, task }: Claimed, signal: AbortSignal) {
    this.#deps = deps
    this.#rule = rule
    this.#key = key
    this.#task = task
    this.#signal = AbortSignal.any([signal, this.#lost.signal])
  }

  /** References that were made what they are here. */
  get copied(): number {
    return this.#copied
  }

  async run(): Promise<Outcome> {
    const timer = setInterval(() => void this.#signOfLife(), LEASE_MS / 3)
    try {
      return await this.#untilEmpty()
    } catch (error) {
      // Another has it now: nothing is ours to say.
      if (this.#lost.signal.aborted || isLost(error)) return 'failed'
      await this.#fail(this.#signal.aborted ? undefined : CaissonError.from(error))
      return this.#signal.aborted || !isTargetAway(error) ? 'failed' : 'target-away'
    } finally {
      clearInterval(timer)
    }
  }

  async #untilEmpty(): Promise<Outcome> {
    const { repository } = this.#key
    const isOver = repository !== '' && (!isCopied(this.#rule, repository) || (await this.#deps.isMirrored(repository)))
    if (isOver) await this.#keep((task) => ({ ...task, references: {}, after: undefined }))
    while (!isEmpty(this.#task)) {
      this.#signal.throwIfAborted()
      const batch = Object.entries(this.#task.references).filter(([name, mark]) => this.#failed.get(name) !== mark)
      if (batch.length > 0) await this.#copy(batch.slice(0, BATCH))
      else if (this.#task.after !== undefined && this.#failed.size < MOST_FAILED) await this.#expand(this.#task.after)
      else break
    }
    if (isEmpty(this.#task)) return 'done'
    await this.#fail(this.#failure)
    return 'failed'
  }

  async #copy(batch: readonly (readonly [string, string])[]): Promise<void> {
    const { source, targets } = this.#deps
    const repository = this.#key.repository as RepositoryName
    const target = targets.open(this.#rule, repository)
    const copier = new Copier(source, { rule: this.#rule, repository, target }, this.#signal)
    const done = new Map<string, string>()
    try {
      for (const [reference, mark] of batch) if (await this.#one(copier, reference, mark)) done.set(reference, mark)
    } finally {
      this.#copied += done.size
      const isWell = done.size > 0 && this.#failure === undefined
      if (done.size > 0) await this.#keep((task) => ({ ...without(task, done), ...(isWell && WELL) }))
    }
  }

  /** False: it failed, and is tried again later. Throws when that is no matter of this one alone. */
  async #one(copier: Copier, reference: string, mark: string): Promise<boolean> {
    try {
      await copier.copy(reference)
      return true
    } catch (thrown) {
      if (this.#signal.aborted || isTargetAway(thrown)) throw thrown
      const error = CaissonError.from(thrown)
      const where = { replication: this.#rule.name, repository: this.#key.repository, reference }
      this.#deps.log.warn({ ...where, reason: error.reason, error: error.message }, 'not copied')
      // A target that does not do it will not do it later.
      if (error.code === 'unimplemented') return true
      this.#failure = error
      this.#failed.set(reference, mark)
      return false
    }
  }

  /** Goes on with what lies behind: tags, or repositories. */
  async #expand(after: string): Promise<void> {
    const isForAll = this.#key.repository === ''
    const page = isForAll ? await this.#repositories(after) : await this.#tags(after)
    const references = isForAll ? [] : page.wanted
    for (const repository of isForAll ? page.wanted : [])
      await this.#deps.board.add({ uid: this.#key.uid, repository }, { all: true })
    // Where it was begun anew meanwhile it stays so.
    await this.#keep((task) => (task.after === after ? { ...withMore(task, { references }), after: page.next } : task))
  }

  async #repositories(after: string): Promise<{ readonly wanted: string[]; readonly next: string | undefined }> {
    const found = await this.#deps.source.records.repositories({ after, limit: REPOSITORIES })
    const wanted: string[] = []
    for (const name of found) if (isCopied(this.#rule, name) && !(await this.#deps.isMirrored(name))) wanted.push(name)
    return { wanted, next: found.length < REPOSITORIES ? undefined : found.at(-1) }
  }

  async #tags(after: string): Promise<{ readonly wanted: string[]; readonly next: string | undefined }> {
    const repository = this.#key.repository as RepositoryName
    const found = await this.#deps.source.records.tags(repository, { after, limit: TAGS })
    const names: TagName[] = found.map(({ name }) => name)
    return {
      wanted: names.filter((name) => isCopiedTag(this.#rule, name)),
      next: names.length < TAGS ? undefined : names.at(-1),
    }
  }

  async #keep(change: (task: Task) => Task): Promise<void> {
    this.#task = await this.#deps.board.keep(this.#key, change)
  }

  /** Gives the task back; with an error it rests for some time. */
  async #fail(error: CaissonError | undefined): Promise<void> {
    const { board, clock, pace } = this.#deps
    const change = (task: Task): Task => {
      if (error === undefined) return task
      const failures = task.failures + 1
      return { ...task, failures, notBefore: clock() + delayAfter(failures, pace), error: error.message.slice(0, 500) }
    }
    await board.giveBack(this.#key, change).catch((thrown: unknown) => {
      if (!isLost(thrown)) throw thrown
    })
  }

  async #signOfLife(): Promise<void> {
    await this.#deps.board
      .keep(this.#key, (task) => task)
      .catch((error: unknown) => {
        // Documents that cannot be written now are none of the copy's business.
        if (isLost(error)) this.#lost.abort(error)
      })
  }
}

const WELL = { failures: 0, notBefore: 0, error: '' }

const isLost = (error: unknown): boolean => error instanceof CaissonError && error.reason === 'REPLICATION_LEASE_LOST'

/** What is wrong with the target as a whole, or with who we are there, is no matter of what is copied. */
function isTargetAway(error: unknown): boolean {
  if (!(error instanceof CaissonError)) return false
  if (error.code === 'unavailable' || error.code === 'unauthenticated') return true
  return error.reason === 'REGISTRY_RATE_LIMITED' || error.reason === 'REGISTRY_TLS'
}
