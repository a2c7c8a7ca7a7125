import { CaissonError } from '@caisson/api'
import { NO_DOCUMENT, revise } from '../access/revisions.ts'
import type { Documents } from '../backend/ports.ts'
import { taskOfDocument } from '../store/replication-documents.ts'
import { isEmpty, isLeased, keyOf, NEW_TASK, type Task, type TaskKey, textOf, type Wanted, withMore } from './task.ts'

const COLLECTION = 'replication-tasks'
/** Tasks that are read at a time. */
const PAGE = 2_000

/** How long a lease holds without a sign of life. Clocks that differ make it shorter or longer, and copies harmless duplicates. */
export const LEASE_MS = 60_000

export interface KnownTask {
  readonly key: TaskKey
  readonly task: Task
}

/**
 * What is to be copied, as documents of the backend: one a rule and repository, so that however much happens in one it is
 * one task, and done in one place at a time, in whichever process of a pool.
 */
export class TaskBoard {
  readonly #documents: Documents
  readonly #holder: string
  readonly #clock: () => number

  /** `holder`: of this process, and the same when it is started again. */
  constructor(documents: Documents, holder: string, clock: () => number) {
    this.#documents = documents
    this.#holder = holder
    this.#clock = clock
  }

  /** Those of one rule, or of all. */
  async *list(uid?: string): AsyncGenerator<KnownTask> {
    const prefix = uid === undefined ? {} : { prefix: textOf({ uid, repository: '' }) }
    for (let after: string | undefined; ; ) {
      const page = { ...prefix, ...(after !== undefined && { after }), limit: PAGE }
      const found = await this.#documents.list(COLLECTION, page)
      for (const { key, value } of found) yield { key: keyOf(key), task: taskOfDocument(value) }
      after = found.at(-1)?.key
      if (found.length < PAGE) return
    }
  }

  /** Whether this process has taken a task on, now or before it was started again. */
  isMine({ lease }: Task): boolean {
    return lease?.holder === this.#holder
  }

  async add(key: TaskKey, wanted: Wanted): Promise<void> {
    await this.#change(key, (task) => withMore(task ?? NEW_TASK, wanted))
  }

  /** Takes a task on. Undefined: there is none, or not yet, or another process has it. */
  async claim(key: TaskKey): Promise<Task | undefined> {
    return await this.#change(key, (task) => {
      if (task === undefined || (!this.isMine(task) && isLeased(task, this.#clock()))) return undefined
      return task.notBefore > this.#clock() ? undefined : { ...task, lease: this.#lease() }
    })
  }

  /**
   * Changes a task that this process has taken on, and keeps it. What is empty then is given back and gone. Throws
   * REPLICATION_LEASE_LOST when another has it now, or nobody wants it any more.
   */
  async keep(key: TaskKey, change: (task: Task) => Task): Promise<Task> {
    const kept = await this.#change(key, (task) => ({ ...change(this.#own(key, task)), lease: this.#lease() }))
    return kept ?? NEW_TASK
  }

  /** Gives a task back. */
  async giveBack(key: TaskKey, change: (task: Task) => Task): Promise<void> {
    await this.#change(key, (task) => ({ ...change(this.#own(key, task)), lease: undefined }))
  }

  /** Lets a task that rests be done at once. */
  async hurry(key: TaskKey): Promise<void> {
    await this.#change(key, (task) => task && { ...task, notBefore: 0 })
  }

  async remove(key: TaskKey): Promise<void> {
    await this.#documents.delete(COLLECTION, textOf(key), 'any')
  }

  #own(key: TaskKey, task: Task | undefined): Task {
    if (task !== undefined && this.isMine(task)) return task
    throw new CaissonError('aborted', `the copy of ${key.repository} is another's by now`, {
      reason: 'REPLICATION_LEASE_LOST',
    })
  }

  #lease(): Task['lease'] {
    return { holder: this.#holder, until: this.#clock() + LEASE_MS }
  }

  /** What there is afterwards; undefined when `change` left everything as it was, or nothing is left to do. */
  async #change(key: TaskKey, change: (task: Task | undefined) => Task | undefined): Promise<Task | undefined> {
    let after: Task | undefined
    await revise(this.#documents, { collection: COLLECTION, key: textOf(key) }, (value) => {
      const changed = change(value === undefined ? undefined : taskOfDocument(value))
      after = changed !== undefined && isEmpty(changed) ? undefined : changed
      return changed === undefined ? undefined : (after ?? NO_DOCUMENT)
    })
    return after
  }
}
