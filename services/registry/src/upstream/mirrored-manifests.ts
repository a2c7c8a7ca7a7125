import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { Records } from '../backend/ports.ts'
import type { RepositoryManifests } from '../distribution/manifests.ts'
import type { Reference, RepositoryName, TagName } from '../distribution/names.ts'
import type { Policies } from '../policy/policies.ts'
import { matchesPattern } from '../policy/policy.ts'
import { Checks } from './checks.ts'
import { Flights } from './flights.ts'
import type { RemoteManifest, RemoteRepository, Remotes } from './ports.ts'
import { remoteName, type Upstream } from './upstream.ts'

/** Whether what is held is what the upstream has, or only what it had when it last answered. */
export type Freshness = 'fresh' | 'stale'

export interface MirroredManifestsDeps {
  readonly remotes: Remotes
  readonly records: Pick<Records, 'manifest' | 'manifestStat' | 'deleteTag'>
  readonly manifests: RepositoryManifests
  readonly policies: Policies
  readonly clock: () => number
}

/** What a client waits when there is nothing to give it instead, and when there is. */
const FETCH_MS = 60_000
const CHECK_MS = 15_000
/** Referrers of one subject that are fetched; the further ones are not known here. */
const MOST_REFERRERS = 200

interface Wanted {
  readonly upstream: Upstream
  readonly remote: RemoteRepository
  readonly repository: RepositoryName
}

/** Brings manifests here before they are looked up. What they name comes when it is asked for itself. */
export class MirroredManifests implements AsyncDisposable {
  readonly #deps: MirroredManifestsDeps
  readonly #checks: Checks
  readonly #flights = new Flights<Freshness>()

  constructor(deps: MirroredManifestsDeps) {
    this.#deps = deps
    this.#checks = new Checks(deps.clock)
  }

  /** Afterwards what the upstream has is held, and what it has no more is not. Throws what Remotes throw when nothing is held. */
  async freshen(
    upstream: Upstream,
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<Freshness> {
    const remote = this.#deps.remotes.repository(upstream, remoteName(upstream, repository))
    const wanted = { upstream, remote, repository }
    return 'digest' in reference
      ? await this.#byDigest(wanted, reference, signal)
      : await this.#byTag(wanted, reference.tag, signal)
  }

  /** Afterwards what refers to a manifest at the upstream is held, as far as it was pushed with a subject. */
  async freshenReferrers(
    upstream: Upstream,
    repository: RepositoryName,
    subject: Digest,
    signal: AbortSignal,
  ): Promise<Freshness> {
    const key = `${repository} referrers of ${subject}`
    if (this.#checks.isTrusted(upstream, key)) return 'fresh'
    if (this.#checks.isAway(upstream)) return 'stale'
    const remote = this.#deps.remotes.repository(upstream, remoteName(upstream, repository))
    const fetch = async (working: AbortSignal): Promise<Freshness> =>
      await this.#unlessAway(upstream, async () => {
        const wanted = { upstream, remote, repository }
        const digests = await remote.referrers(subject, working)
        for (const digest of digests.slice(0, MOST_REFERRERS)) await this.#byDigest(wanted, { digest }, working)
        this.#checks.checked(upstream, key)
        return 'fresh'
      })
    return await this.#flights.join(key, FETCH_MS, fetch, signal)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#flights[Symbol.asyncDispose]()
  }

  async #byDigest(wanted: Wanted, reference: { readonly digest: Digest }, signal: AbortSignal): Promise<Freshness> {
    const { repository } = wanted
    if ((await this.#deps.records.manifestStat(repository, reference)) !== undefined) return 'fresh'
    const fetch = (working: AbortSignal): Promise<Freshness> => this.#fetch(wanted, reference.digest, [], working)
    return await this.#flights.join(`${repository}@${reference.digest}`, FETCH_MS, fetch, signal)
  }

  async #byTag(wanted: Wanted, tag: TagName, signal: AbortSignal): Promise<Freshness> {
    const { upstream, repository } = wanted
    const key = `${repository}:${tag}`
    const held = await this.#deps.records.manifestStat(repository, { tag })
    if (held === undefined)
      return await this.#flights.join(key, FETCH_MS, (working) => this.#fetch(wanted, tag, [tag], working), signal)
    if (this.#checks.isTrusted(upstream, key) || (await this.#isFrozen(repository, tag))) return 'fresh'
    if (this.#checks.isAway(upstream)) return 'stale'
    return await this.#flights.join(key, CHECK_MS, (working) => this.#check(wanted, tag, held.digest, working), signal)
  }

  /** Compares a tag that is held. */
  async #check(wanted: Wanted, tag: TagName, held: Digest, signal: AbortSignal): Promise<Freshness> {
    const { upstream, remote, repository } = wanted
    return await this.#unlessAway(upstream, async () => {
      const found = await remote.resolve(tag, signal)
      if (found === undefined) await this.#deps.records.deleteTag(repository, tag, held)
      else if (found !== held) return await this.#move(wanted, tag, found, signal)
      this.#checks.checked(upstream, `${repository}:${tag}`)
      return 'fresh'
    })
  }

  /** An upstream that does not answer leaves everything where it is. */
  async #unlessAway(upstream: Upstream, ask: () => Promise<Freshness>): Promise<Freshness> {
    try {
      return await ask()
    } catch (thrown) {
      if (!isAway(thrown)) throw thrown
      this.#checks.wasAway(upstream)
      return 'stale'
    }
  }

  async #move(wanted: Wanted, tag: TagName, digest: Digest, signal: AbortSignal): Promise<Freshness> {
    const known = await this.#deps.records.manifest(wanted.repository, { digest })
    if (known === undefined) return await this.#fetch(wanted, tag, [tag], signal)
    await this.#keep(wanted, known, [tag])
    return 'fresh'
  }

  /** What the upstream has not is not held either: the look-up that follows tells so. */
  async #fetch(wanted: Wanted, reference: string, tags: readonly TagName[], signal: AbortSignal): Promise<Freshness> {
    const found = await wanted.remote.manifest(reference, signal)
    if (found !== undefined) await this.#keep(wanted, found, tags)
    return 'fresh'
  }

  async #keep(
    { upstream, repository }: Wanted,
    { digest, mediaType, bytes }: RemoteManifest,
    tags: readonly TagName[],
  ): Promise<void> {
    const contentType = mediaType
    await this.#deps.manifests.put({
      ...{ repository, reference: { digest }, tags, contentType, bytes },
      upstream: upstream.name,
    })
    for (const tag of tags) this.#checks.checked(upstream, `${repository}:${tag}`)
  }

  async #isFrozen(repository: RepositoryName, tag: TagName): Promise<boolean> {
    const { immutableTags } = await this.#deps.policies.of(repository)
    return immutableTags.some((pattern) => matchesPattern(pattern, tag))
  }
}

const isAway = (thrown: unknown): boolean =>
  thrown instanceof CaissonError && (thrown.reason === 'UPSTREAM_UNAVAILABLE' || thrown.code === 'deadline-exceeded')
