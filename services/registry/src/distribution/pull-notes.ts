import type { Digest } from '@caisson/oci'
import type { Pull, Records } from '../backend/ports.ts'
import type { Reference, RepositoryName, TagName } from './names.ts'

export interface PullCount {
  readonly repository: RepositoryName
  readonly tag?: TagName
  readonly digest: Digest
  /** Pulls since the last telling. */
  readonly count: number
  readonly at: number
}

/** Most different things that are counted before they are told. */
const MOST = 10_000

/** Counts pulls in memory, so that no pull waits for the disk, and tells of them now and then. */
export class PullNotes {
  readonly #records: Pick<Records, 'notePulls'>
  readonly #told: (pulls: readonly PullCount[]) => void
  readonly #clock: () => number
  #counts = new Map<string, { -readonly [K in keyof PullCount]: PullCount[K] }>()

  constructor(
    records: Pick<Records, 'notePulls'>,
    told: (pulls: readonly PullCount[]) => void,
    clock: () => number = Date.now,
  ) {
    this.#records = records
    this.#told = told
    this.#clock = clock
  }

  note(repository: RepositoryName, reference: Reference, digest: Digest): void {
    const tag = 'tag' in reference ? reference.tag : undefined
    const key = `${repository} ${tag ?? digest}`
    const found = this.#counts.get(key)
    if (found === undefined && this.#counts.size >= MOST) return
    const count = { repository, ...(tag !== undefined && { tag }), digest, count: 1, at: this.#clock() }
    if (found === undefined) this.#counts.set(key, count)
    else Object.assign(found, count, { count: found.count + 1 })
  }

  async flush(): Promise<void> {
    if (this.#counts.size === 0) return
    const counts = [...this.#counts.values()]
    this.#counts = new Map()
    const pulls: Pull[] = counts.map(({ repository, tag, at }) => ({
      repository,
      ...(tag !== undefined && { tag }),
      at,
    }))
    await this.#records.notePulls(pulls)
    this.#told(counts)
  }
}
