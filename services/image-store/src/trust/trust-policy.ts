import { CaissonError, invalid } from '@caisson/api'
import { type Digest, digestAlgorithm, digestOf, parseManifest, parseReference } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import type { Transactions } from '../content/ports.ts'
import { BOUNDS, type Bounds, discover, search } from './discover.ts'
import { judge, type Verdict } from './judge.ts'
import { type Policy, ruleFor, type Signers } from './policy.ts'
import type { SignatureSource, SignedDocument, SignedKind, TrustRecord, TrustTable } from './ports.ts'
import { refusal } from './refusal.ts'
import type { Signature } from './signature.ts'

/** An image that is to come in under a name. */
export interface TrustQuestion {
  /** As it is stored, or by digest. Empty: it has no name. */
  readonly reference: string
  /** The documents that its name means: indexes, the outermost first, and last the manifest. */
  readonly chain: readonly SignedDocument[]
  readonly signal: AbortSignal
  /** Where its signatures are. Absent: only those that are known count. */
  readonly fetch?: SignatureSource
}

/** An image of the store, as far as trust goes. */
export interface StoredImage {
  readonly id: Digest
  /** Names to judge it by. Empty: it has none. */
  readonly names: readonly string[]
  /** Digests that mean it. */
  readonly targets: () => readonly Digest[]
}

export interface TrustEvents {
  imageVerified(reference: string, record: TrustRecord): void
  imageRejected(reference: string, digest: Digest, reason: string): void
}

export interface TrustDeps {
  readonly policy: { current(): Policy }
  readonly table: TrustTable
  readonly events: TrustEvents
  readonly transactions: Transactions
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly bounds?: Bounds
}

/** Decides which images are trusted: by signatures found right once, kept, and judged by the policy of the moment. */
export class TrustPolicy {
  readonly #deps: TrustDeps
  #changes = 0

  constructor(deps: TrustDeps) {
    this.#deps = deps
  }

  /** Changes whenever a signature is added; with the policy's fingerprint it tells whether a verdict still holds. */
  get changes(): number {
    return this.#changes
  }

  /** Throws POLICY_UNREADABLE. */
  current(): Policy {
    return this.#deps.policy.current()
  }

  /**
   * Judges an image before it is registered, and looks for its signatures when the ones that are known do not do. The
   * chain is checked: every document has its digest, and each names the next. It is judged by the policy as it is at the
   * end. Throws `permission-denied` SIGNATURE_REQUIRED or IMAGE_REJECTED, `unavailable` SIGNATURES_UNAVAILABLE when its
   * signatures could not be asked for, `failed-precondition` POLICY_UNREADABLE, `data-loss` DIGEST_MISMATCH.
   */
  async check({ reference, chain, signal, fetch }: TrustQuestion): Promise<Verdict> {
    const documents = checkedChain(chain)
    const digests = documents.map(({ digest }) => digest)
    const policy = this.current()
    const known = this.#judge(policy, reference, digests)
    let failure: CaissonError | undefined
    if (known.state !== 'verified' && known.rule.signers && fetch)
      failure = await this.#learn({ reference, documents, signal, fetch }, policy, known.rule.signers)
    signal.throwIfAborted()
    const verdict = this.#judge(this.current(), reference, digests)
    if (verdict.state === 'accepted_unsigned' && verdict.rule.signers)
      this.#deps.log.warn({ reference, digests, why: failure?.message }, 'an image is not signed as its rule asks')
    if (verdict.state === 'rejected') throw this.#refused(verdict, digests, failure)
    return verdict
  }

  /**
   * Looks for signatures of an image that is registered anyhow and keeps the right ones: those that its rule asks for. A
   * policy that cannot be used asks for none.
   */
  async learn({ reference, chain, signal, fetch }: TrustQuestion & { fetch: SignatureSource }): Promise<void> {
    const documents = checkedChain(chain)
    const policy = this.#usable()
    if (!policy) return
    const digests = documents.map(({ digest }) => digest)
    const { state, rule } = this.#judge(policy, reference, digests)
    if (state === 'verified' || !rule.signers) return
    const failure = await this.#learn({ reference, documents, signal, fetch }, policy, rule.signers)
    if (failure) this.#deps.log.warn({ reference, digests, why: failure.message }, 'signatures could not be read')
  }

  /** Judges an image of the store under each of the names. */
  judgeStored({ names, targets }: StoredImage): Verdict[] {
    const policy = this.current()
    const digests = targets()
    return (names.length === 0 ? [''] : names).map((name) => this.#judge(policy, name, digests))
  }

  /** Says no to an image of the store. */
  refuse(verdict: Verdict, id: Digest): CaissonError {
    return this.#refused(verdict, [id], undefined)
  }

  #usable(): Policy | undefined {
    try {
      return this.current()
    } catch (error) {
      this.#deps.log.warn({ why: CaissonError.from(error).message }, 'signatures are passed over')
      return undefined
    }
  }

  #judge(policy: Policy, reference: string, digests: readonly Digest[]): Verdict {
    const { table, clock } = this.#deps
    const rule = ruleFor(policy, reference === '' ? undefined : parseReference(reference))
    return judge(policy, reference, rule.signers ? table.of(digests) : [], clock())
  }

  #refused(verdict: Verdict, digests: readonly Digest[], failure: CaissonError | undefined): CaissonError {
    const [image] = digests
    if (!image) throw new Error('an image without a digest was judged')
    const error = refusedBecause(verdict, image, failure)
    const { transactions, events } = this.#deps
    transactions.transaction(() => events.imageRejected(verdict.name, image, error.reason), 'crash')
    return error
  }

  /** Finds signatures and keeps the right ones, until the rule is met. Returns why it may have missed some. */
  async #learn(
    { reference, documents, signal, fetch }: Learning,
    policy: Policy,
    signers: Signers,
  ): Promise<CaissonError | undefined> {
    const bounds = this.#deps.bounds ?? BOUNDS
    const timeout = AbortSignal.timeout(bounds.timeoutMs)
    const look = search(fetch, bounds, AbortSignal.any([signal, timeout]))
    const digests = documents.map(({ digest }) => digest)
    try {
      for (const document of documents)
        for await (const signature of discover(document.digest, look)) {
          if (this.#keep(signature, document, reference, policy, signers) === 0) continue
          if (this.#judge(policy, reference, digests).state === 'verified') return undefined
        }
    } catch (thrown) {
      signal.throwIfAborted()
      if (!timeout.aborted) throw thrown
      return CaissonError.from(timeout.reason)
    }
    return look.failures[0]
  }

  /** Keeps what one of the keys has signed. Returns how many records are new. */
  #keep(
    { signed, signatures, identity }: Signature,
    { digest, kind }: CheckedDocument,
    reference: string,
    policy: Policy,
    { keys }: Signers,
  ): number {
    const right = keys.filter((key) => signatures.some((signature) => key.verify(signed, signature)))
    if (right.length === 0) return 0
    const { transactions, table, events, clock } = this.#deps
    const common = { digest, kind, identity, verifiedMs: clock(), policy: policy.fingerprint }
    return transactions.transaction(() => {
      const added = right
        .map(({ fingerprint }) => ({ ...common, key: fingerprint }))
        .filter((record) => table.insert(record))
      for (const record of added) events.imageVerified(reference, record)
      this.#changes += added.length
      return added.length
    })
  }
}

interface CheckedDocument {
  readonly digest: Digest
  readonly kind: SignedKind
}

interface Learning {
  readonly reference: string
  readonly documents: readonly CheckedDocument[]
  readonly signal: AbortSignal
  readonly fetch: SignatureSource
}

/** The digests of a chain whose every document is what its digest says and names the next one. */
function checkedChain(chain: readonly SignedDocument[]): CheckedDocument[] {
  if (chain.length === 0) throw new Error('an image without documents was to be judged')
  return chain.map(({ digest, bytes }, at) => {
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw broken(digest, 'its bytes have another digest')
    const read = parseManifest(bytes)
    const next = chain[at + 1]
    if (read.kind === 'manifest' && next) throw broken(next.digest, `${digest} is no index that could name it`)
    if (read.kind === 'index' && !next)
      throw invalid(`${digest} is an index: say which of its images`, { reason: 'NOT_AN_IMAGE' })
    if (read.kind === 'index' && next && !read.manifests.some((child) => child.digest === next.digest))
      throw broken(next.digest, `the index ${digest} does not name it`)
    return { digest, kind: read.kind }
  })
}

function broken(digest: Digest, what: string): CaissonError {
  return new CaissonError('data-loss', `${digest}: ${what}: fetch it anew`, {
    reason: 'DIGEST_MISMATCH',
    details: { digest },
  })
}

/** A source that does not answer may tomorrow; one that keeps us busy has had its time. */
function refusedBecause(verdict: Verdict, image: Digest, failure: CaissonError | undefined): CaissonError {
  if (!failure || verdict.rule.type !== 'signedBy') return refusal(verdict, image)
  if (failure.code === 'deadline-exceeded') return refusal(verdict, image, 'looking for them took too long')
  return unreachable(verdict, failure)
}

function unreachable(verdict: Verdict, failure: CaissonError): CaissonError {
  return new CaissonError(
    'unavailable',
    `the signatures of ${verdict.name} could not be asked for, and ${verdict.rule.scope} needs them: try again (${failure.message})`,
    { reason: 'SIGNATURES_UNAVAILABLE', details: { name: verdict.name, rule: verdict.rule.scope }, cause: failure },
  )
}
