import type { Documents, QuotaLimit } from '../backend/ports.ts'
import type { RepositoryName } from '../distribution/names.ts'
import { type EffectivePolicy, type Policy, scopesOf } from './policy.ts'

const COLLECTION = 'policy'
/** How long another process's change may go unseen. */
const FRESH_MS = 2_000
const MOST_CACHED = 10_000

/** Policies, kept as documents of the backend. The most specific one holds as a whole; quotas of all levels hold. */
export class Policies {
  readonly #documents: Documents
  readonly #fallback: Policy
  readonly #clock: () => number
  readonly #cache = new Map<string, { readonly policy: Promise<Policy | undefined>; readonly until: number }>()

  constructor(documents: Documents, fallback: Policy, clock: () => number = Date.now) {
    this.#documents = documents
    this.#fallback = fallback
    this.#clock = clock
  }

  async of(repository: RepositoryName): Promise<EffectivePolicy> {
    for (const scope of scopesOf(repository)) {
      const policy = await this.#at(scope)
      if (policy !== undefined) return { ...policy, scope }
    }
    return { ...this.#fallback, scope: '*' }
  }

  /** Quotas that hold for a repository, the nearest first. */
  async limits(repository: RepositoryName): Promise<QuotaLimit[]> {
    const limits: QuotaLimit[] = []
    for (const scope of scopesOf(repository)) {
      const policy = (await this.#at(scope)) ?? (scope === '*' ? this.#fallback : undefined)
      if (policy !== undefined && policy.quotaBytes > 0) limits.push({ scope, bytes: policy.quotaBytes })
    }
    return limits
  }

  /** Sets the policy of a repository, or of all below a name with `/*`; undefined: inherit again. */
  async set(scope: string, policy: Policy | undefined): Promise<void> {
    if (policy === undefined) await this.#documents.delete(COLLECTION, scope, 'any')
    else await this.#documents.put(COLLECTION, scope, policy, 'any')
    this.#cache.clear()
  }

  #at(scope: string): Promise<Policy | undefined> {
    const now = this.#clock()
    const cached = this.#cache.get(scope)
    if (cached !== undefined && cached.until > now) return cached.policy
    if (this.#cache.size >= MOST_CACHED) this.#cache.clear()
    const policy = this.#documents.get(COLLECTION, scope).then((found) => found?.value as Policy | undefined)
    policy.catch(() => this.#cache.delete(scope))
    this.#cache.set(scope, { policy, until: now + FRESH_MS })
    return policy
  }
}
