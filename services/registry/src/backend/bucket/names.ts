import type { RepositoryName } from '../../distribution/names.ts'
import type { NamePage, Pull } from '../ports.ts'
import { type Cells, KEEP, REMOVE } from './cells.ts'
import { keys, repositoryOf } from './keys.ts'

export interface NameValue {
  readonly pushedAt: number
}

/** When a repository and its tags were last pulled. */
export interface PullsValue {
  readonly at: number
  readonly tags: Readonly<Record<string, number>>
}

/** Which repositories there are, and when they were last pushed to and pulled from. */
export class Names {
  readonly #cells: Cells
  readonly #clock: () => number

  constructor(cells: Cells, clock: () => number) {
    this.#cells = cells
    this.#clock = clock
  }

  /** The repository comes to be when there is none. */
  async ensure(repository: RepositoryName): Promise<void> {
    const pushedAt = this.#clock()
    await this.#cells.update<NameValue>(keys.name(repository), (now) => (now === undefined ? { pushedAt } : KEEP))
  }

  async pushed(repository: RepositoryName): Promise<void> {
    await this.#cells.put<NameValue>(keys.name(repository), { pushedAt: this.#clock() })
  }

  async get(repository: RepositoryName): Promise<NameValue | undefined> {
    return (await this.#cells.read<NameValue>(keys.name(repository)))?.value
  }

  async remove(repository: RepositoryName): Promise<void> {
    await this.#cells.update<NameValue>(keys.name(repository), () => REMOVE)
    await this.#cells.update<PullsValue>(keys.pulls(repository), () => REMOVE)
  }

  async page({ after, limit, prefix = '' }: NamePage & { readonly prefix?: string }): Promise<RepositoryName[]> {
    const page: RepositoryName[] = []
    if (limit <= 0) return page
    const behind = after === undefined ? undefined : `names/${after}!`
    for await (const { key } of this.#cells.objects.list(`names/${prefix}`, behind, limit)) {
      page.push(repositoryOf(key))
      if (page.length === limit) break
    }
    return page
  }

  async *all(): AsyncGenerator<RepositoryName> {
    for await (const { key } of this.#cells.objects.list('names/')) yield repositoryOf(key)
  }

  async pulls(repository: RepositoryName): Promise<PullsValue | undefined> {
    return (await this.#cells.read<PullsValue>(keys.pulls(repository)))?.value
  }

  /** Keeps the latest time of each, whoever writes last. */
  async notePulls(pulls: readonly Pull[]): Promise<void> {
    for (const [repository, those] of Map.groupBy(pulls, (pull) => pull.repository)) {
      if ((await this.get(repository)) === undefined) continue
      await this.#cells.update<PullsValue>(keys.pulls(repository), (now) => {
        const tags: Record<string, number> = { ...now?.tags }
        for (const { tag, at } of those) if (tag !== undefined) tags[tag] = Math.max(tags[tag] ?? 0, at)
        return { at: Math.max(now?.at ?? 0, ...those.map(({ at }) => at)), tags }
      })
    }
  }
}
