import { LRUCache } from 'lru-cache'
import type { RepositoryName, TagName } from '../distribution/names.ts'
import type { Upstream } from './upstream.ts'

const MOST_TAGS = 100_000
/** How long an upstream that did not answer is not asked about tags that are held. */
const AWAY_MS = 10_000

/**
 * When tags were last compared with their upstreams. Kept in memory: another process, or this one when it starts again, checks
 * once more.
 */
export class TagChecks {
  readonly #clock: () => number
  readonly #checked = new LRUCache<string, number>({ max: MOST_TAGS })
  readonly #awayUntil = new LRUCache<string, number>({ max: 1_000 })

  constructor(clock: () => number) {
    this.#clock = clock
  }

  isTrusted(upstream: Upstream, repository: RepositoryName, tag: TagName): boolean {
    const at = this.#checked.get(`${upstream.url} ${repository}:${tag}`)
    return at !== undefined && this.#clock() - at < upstream.revalidateSeconds * 1_000
  }

  checked(upstream: Upstream, repository: RepositoryName, tag: TagName): void {
    this.#checked.set(`${upstream.url} ${repository}:${tag}`, this.#clock())
    this.#awayUntil.delete(upstream.url)
  }

  isAway(upstream: Upstream): boolean {
    return (this.#awayUntil.get(upstream.url) ?? 0) > this.#clock()
  }

  wasAway(upstream: Upstream): void {
    this.#awayUntil.set(upstream.url, this.#clock() + AWAY_MS)
  }
}
