import type { Backend, TagRecord } from '../backend/ports.ts'
import { nameUnknown } from '../distribution/errors.ts'
import type { RepositoryName, TagName } from '../distribution/names.ts'
import type { PullNotes } from '../distribution/pull-notes.ts'
import type { Policies } from '../policy/policies.ts'
import { expiredTags } from './expired-tags.ts'

export interface RemovedTag {
  readonly repository: RepositoryName
  readonly tag: TagName
  readonly rule: string
}

export interface RetentionDeps {
  readonly backend: Pick<Backend, 'records'>
  readonly policies: Policies
  readonly pulls: PullNotes
  readonly clock: () => number
}

const PAGE = 1_000

/** Applies the rules of retention. */
export class Retention {
  readonly #deps: RetentionDeps

  constructor(deps: RetentionDeps) {
    this.#deps = deps
  }

  /** To one repository (NAME_UNKNOWN), or all. `dryRun`: tells, and removes nothing. A tag that moves meanwhile stays. */
  async *apply(
    options: { readonly repository?: RepositoryName; readonly dryRun: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<RemovedTag> {
    const { records } = this.#deps.backend
    await this.#deps.pulls.flush()
    const names = options.repository === undefined ? this.#repositories() : [await this.#existing(options.repository)]
    for await (const repository of names) {
      signal.throwIfAborted()
      const policy = await this.#deps.policies.of(repository)
      if (policy.retention.length === 0) continue
      for (const { tag, rule } of expiredTags(await this.#tags(repository), policy, this.#deps.clock())) {
        const isRemoved = options.dryRun || (await records.deleteTag(repository, tag.name, tag.target.digest))
        if (isRemoved) yield { repository, tag: tag.name, rule }
      }
    }
  }

  async #existing(repository: RepositoryName): Promise<RepositoryName> {
    if (await this.#deps.backend.records.hasRepository(repository)) return repository
    throw nameUnknown(repository)
  }

  async *#repositories(): AsyncGenerator<RepositoryName> {
    const { records } = this.#deps.backend
    for (let after: RepositoryName | undefined; ; ) {
      const names = await records.repositories({ ...(after !== undefined && { after }), limit: PAGE })
      yield* names
      after = names.at(-1)
      if (names.length < PAGE) return
    }
  }

  async #tags(repository: RepositoryName): Promise<TagRecord[]> {
    const { records } = this.#deps.backend
    const tags: TagRecord[] = []
    for (let after: TagName | undefined; ; ) {
      const page = await records.tags(repository, { ...(after !== undefined && { after }), limit: PAGE })
      tags.push(...page)
      after = page.at(-1)?.name
      if (page.length < PAGE) return tags
    }
  }
}
