import { LRUCache } from 'lru-cache'
import type { Upstream } from './upstream.ts'

const MOST_KNOWN = 100_000
/** How long an upstream that did not answer is not asked about what is held. */
const AWAY_MS = 10_000

/**
 * When something that may change was last compared with its upstream: a tag, or a list of referrers, by a key of its own. Kept in memory: another process, or this one when it starts again, checks
 * once more.
 */
export class Checks {
  readonly #clock: () => number
  readonly #checked = new LRUCache<string, number>({ max: MOST_KNOWN })
  readonly #awayUntil = new LRUCache<string, number>({ max: 1_000 })

  constructor(clock: () => number) {
    this.#clock = clock
  }

  isTrusted(upstream: Upstream, key: string): boolean {
    const at = this.#checked.get(`${upstream.url} ${key}`)
    return at !== undefined && this.#clock() - at < upstream.revalidateSeconds * 1_000
  }

  checked(upstream: Upstream, key: string): void {
    this.#checked.set(`${upstream.url} ${key}`, this.#clock())
    this.#awayUntil.delete(upstream.url)
  }

  isAway(upstream: Upstream): boolean {
    return (this.#awayUntil.get(upstream.url) ?? 0) > this.#clock()
  }

  wasAway(upstream: Upstream): void {
    this.#awayUntil.set(upstream.url, this.#clock() + AWAY_MS)
  }
}
