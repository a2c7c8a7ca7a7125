import { CaissonError, exhausted, failedPrecondition, notFound } from '@caisson/api'
import type { Documents, Records } from '../backend/ports.ts'
import { isRepositoryName, MAX_NAME, type RepositoryName } from '../distribution/names.ts'
import { upstreamDocument } from '../store/upstream-document.ts'
import { checkedUpstream, type UpstreamRequest } from './checked-upstream.ts'
import type { Upstream } from './upstream.ts'

const COLLECTION = 'upstream'
/** How long another process's change may go unseen. */
const FRESH_MS = 2_000
const MOST = 256

/** Upstreams, kept as documents of the backend. */
export class Upstreams {
  readonly #documents: Documents
  readonly #records: Pick<Records, 'repositories'>
  readonly #clock: () => number
  #cached: { readonly all: Promise<readonly Upstream[]>; readonly until: number } | undefined

  constructor(documents: Documents, records: Pick<Records, 'repositories'>, clock: () => number = Date.now) {
    this.#documents = documents
    this.#records = records
    this.#clock = clock
  }

  /** By name. */
  async list(): Promise<readonly Upstream[]> {
    const now = this.#clock()
    if (this.#cached !== undefined && this.#cached.until > now) return await this.#cached.all
    const all = this.#read()
    this.#cached = { all, until: now + FRESH_MS }
    all.catch(() => {
      this.#cached = undefined
    })
    return await all
  }

  /** The upstream that a repository is taken from, of several the one with the longest prefix. */
  async of(repository: string): Promise<Upstream | undefined> {
    const fitting = (await this.list()).filter(({ prefix }) => repository.startsWith(`${prefix}/`))
    return fitting.toSorted((one, other) => other.prefix.length - one.prefix.length)[0]
  }

  /** Whether a repository is a copy of another registry's: it is not pushed to, and needs no copy elsewhere. */
  async isMirrored(repository: string): Promise<boolean> {
    return (await this.of(repository)) !== undefined
  }

  /** What stands for `repository` of the registry `ns` here. Undefined: `ns` is no upstream. Throws NAME_INVALID. */
  async repositoryFor(ns: string, repository: RepositoryName): Promise<RepositoryName | undefined> {
    const upstream = (await this.list()).find(({ name }) => name === ns)
    const name = upstream && `${upstream.prefix}/${repository}`
    if (name === undefined || isRepositoryName(name)) return name
    const message = `the name has more than ${MAX_NAME} characters with the prefix of ${ns}`
    throw new CaissonError('invalid-argument', message, { reason: 'NAME_INVALID' })
  }

  /**
   * Sets an upstream as a whole. Throws UPSTREAM_INVALID_SETTING; PREFIX_TAKEN when the prefix is another's, or has
   * repositories that came another way, unless `adopt` is said.
   */
  async set(request: UpstreamRequest, adopt: boolean): Promise<Upstream> {
    const all = await this.#read()
    const held = all.find(({ name }) => name === request.name)
    const upstream = checkedUpstream(request, held)
    if (held === undefined && all.length >= MOST) throw exhausted('UPSTREAMS_TOO_MANY', `there are ${MOST} upstreams`)
    if (upstream.prefix !== held?.prefix) await this.#refuseTaken(upstream, all, adopt)
    await this.#documents.put(COLLECTION, upstream.name, upstream, 'any')
    this.#cached = undefined
    return upstream
  }

  /** Throws UPSTREAM_NOT_FOUND. What is held stays. */
  async delete(name: string): Promise<void> {
    if (!(await this.#documents.delete(COLLECTION, name, 'any'))) throw notFound('upstream', name)
    this.#cached = undefined
  }

  /** What was pushed would follow the upstream's tags from now on, and go where it has none. */
  async #refuseTaken({ name, prefix }: Upstream, all: readonly Upstream[], adopt: boolean): Promise<void> {
    const other = all.find((one) => one.prefix === prefix && one.name !== name)
    if (other !== undefined) throw taken(prefix, `is the prefix of ${other.name}`)
    if (adopt) return
    const [found] = await this.#records.repositories({ prefix: `${prefix}/`, limit: 1 })
    if (found !== undefined)
      throw taken(prefix, `has repositories already, such as ${found}: set adopt to take them over`)
  }

  async #read(): Promise<readonly Upstream[]> {
    const found = await this.#documents.list(COLLECTION, { limit: MOST })
    return found.map(({ value }) => upstreamDocument.parse(value))
  }
}

function taken(prefix: string, why: string): CaissonError {
  return failedPrecondition('PREFIX_TAKEN', `${prefix} ${why}`, { details: { prefix } })
}
