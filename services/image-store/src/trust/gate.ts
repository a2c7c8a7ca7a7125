import { CaissonError } from '@caisson/api'
import { type Digest, formatReference, parseReference } from '@caisson/oci'
import type { FoundImage } from '../image/lookup.ts'
import type { TrustState, Verdict } from './judge.ts'
import { refusal } from './refusal.ts'
import type { TrustPolicy } from './trust-policy.ts'

export interface GateDeps {
  readonly trust: TrustPolicy
  /** Digests that mean an image: its manifests and the indexes they were chosen from. */
  readonly images: { targets(id: Digest): readonly Digest[] }
  readonly clock: () => number
}

/** What is known of the trust in an image, for people. */
export interface TrustReport {
  readonly name: string
  readonly state: TrustState
  /** Scope of the rule. Empty: the policy cannot be used. */
  readonly rule: string
  readonly keys: readonly string[]
  /** 0: never. */
  readonly verifiedMs: number
  /** Why not. Empty: nothing is wrong. */
  readonly problem: string
}

interface Passed {
  readonly policy: string
  readonly changes: number
  readonly untilMs: number
}

/**
 * Lets images of the store through to containers, whatever way they came in. An image that is asked for by name is judged
 * by that name; one by digest or id by all names it has, the repositories it was pulled from, and the one in the question; one without a name by the default
 * rule. It is synchronous: what was judged cannot change before it is used.
 */
export class TrustGate {
  readonly #deps: GateDeps
  /** Images as the lookup gives them: it makes new ones when any image or name has changed. */
  readonly #passed = new WeakMap<FoundImage, Passed>()

  constructor(deps: GateDeps) {
    this.#deps = deps
  }

  /** Every image passes, as the policy stands. */
  get isOpen(): boolean {
    return this.#deps.trust.current().isOpen
  }

  /** `query` is how the image was asked for. Throws what TrustPolicy.check throws. */
  admit(image: FoundImage, query: string): void {
    const { trust, clock } = this.#deps
    const policy = trust.current()
    if (policy.isOpen) return
    const passed = this.#passed.get(image)
    const holds = passed?.policy === policy.fingerprint && passed.changes === trust.changes && clock() < passed.untilMs
    if (holds) return
    const verdicts = this.#judge(image, query)
    for (const verdict of verdicts) if (verdict.state === 'rejected') throw trust.refuse(verdict, image.record.id)
    const untilMs = Math.min(...verdicts.map((verdict) => verdict.untilMs))
    this.#passed.set(image, { policy: policy.fingerprint, changes: trust.changes, untilMs })
  }

  /** The same for each name, without refusing anything. */
  report(image: FoundImage, query: string): TrustReport[] {
    try {
      return this.#judge(image, query).map((verdict) => reportOf(verdict, image))
    } catch (thrown) {
      const { message: problem } = CaissonError.from(thrown)
      return [{ name: image.name, state: 'rejected', rule: '', keys: [], verifiedMs: 0, problem }]
    }
  }

  #judge(image: FoundImage, query: string): Verdict[] {
    const { trust, images } = this.#deps
    const { id } = image.record
    return trust.judgeStored({ id, names: namesOf(image, query), targets: () => images.targets(id) })
  }
}

function reportOf(verdict: Verdict, image: FoundImage): TrustReport {
  const { name, state, rule, keys, verifiedMs } = verdict
  const problem = state === 'rejected' ? refusal(verdict, image.record.id).message : ''
  return { name, state, rule: rule.scope, keys, verifiedMs, problem }
}

function namesOf({ name, names, repoDigests }: FoundImage, query: string): readonly string[] {
  if (name !== '') return [name]
  const asked = repositoryOf(query)
  const known = [...names, ...repoDigests]
  return asked === undefined ? known : [...known, asked]
}

/** A question by digest that says the repository is one about that repository too. */
function repositoryOf(query: string): string | undefined {
  if (!query.includes('@')) return undefined
  const { registry, repository, digest } = parseReference(query)
  return digest && formatReference({ registry, repository, digest })
}

const WORST_FIRST: readonly TrustState[] = ['rejected', 'accepted_unsigned', 'unchecked', 'verified']

/** The one that says most of an image: the worst. */
export function worstOf(reports: readonly TrustReport[]): TrustReport | undefined {
  return [...reports].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state))[0]
}
