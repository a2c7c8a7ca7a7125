import type { Backend, QuotaLimit } from '../backend/ports.ts'
import type { Policies } from '../policy/policies.ts'
import { quotaExceeded } from './errors.ts'
import type { RepositoryName } from './names.ts'

/** Holds pushes to the quotas of their repository and of all above it. */
export class Quota {
  readonly #backend: Pick<Backend, 'records' | 'uploads'>
  readonly #policies: Policies

  constructor(backend: Pick<Backend, 'records' | 'uploads'>, policies: Policies) {
    this.#backend = backend
    this.#policies = policies
  }

  /**
   * Bytes that an upload may still bring, so that uploads that go on together do not fill the disk either. Undefined: no
   * quota. Throws QUOTA_EXCEEDED when `length` is more.
   */
  async room(repository: RepositoryName, length = 0): Promise<number | undefined> {
    const limits = await this.#policies.limits(repository)
    let room: number | undefined
    for (const { scope, bytes } of limits) {
      const used = (await this.#backend.records.usage(scope)) + (await this.#backend.uploads.pending(scope))
      if (used + length > bytes) throw quotaExceeded(scope, bytes)
      room = Math.min(room ?? Number.POSITIVE_INFINITY, bytes - used)
    }
    return room
  }

  /** The limit that the backend is to keep as it links; the ones above it are looked at here. */
  async limit(repository: RepositoryName, adding: number): Promise<QuotaLimit | undefined> {
    const [nearest, ...above] = await this.#policies.limits(repository)
    for (const { scope, bytes } of above)
      if ((await this.#backend.records.usage(scope)) + adding > bytes) throw quotaExceeded(scope, bytes)
    return nearest
  }
}
