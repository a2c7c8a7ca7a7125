import { type ImageReference, parseReference } from '@caisson/oci'
import { matchesIdentity } from './identity.ts'
import { type Policy, type Rule, ruleFor, type Signers } from './policy.ts'
import type { TrustRecord } from './ports.ts'

export type TrustState = 'unchecked' | 'accepted_unsigned' | 'verified' | 'rejected'

/** What the policy says of an image under one name. */
export interface Verdict {
  readonly state: TrustState
  /** The name it is about. Empty: the image has none. */
  readonly name: string
  readonly rule: Rule
  /** Fingerprints of the keys whose signatures count. */
  readonly keys: readonly string[]
  /** When the last of them was found right, in milliseconds since 1970. 0: never. */
  readonly verifiedMs: number
  /** Until when this holds: a key expires then. Infinity: until something changes. */
  readonly untilMs: number
}

/**
 * Judges an image by the signatures that were found right on it. With no name there is no reference that a signature
 * could be for, so any of a trusted key on the very digest counts.
 */
export function judge(policy: Policy, name: string, records: readonly TrustRecord[], nowMs: number): Verdict {
  const reference = name === '' ? undefined : parseReference(name)
  const rule = ruleFor(policy, reference)
  const none = { name, rule, keys: [], verifiedMs: 0, untilMs: Number.POSITIVE_INFINITY }
  if (rule.type === 'insecureAcceptAnything') return { ...none, state: 'unchecked' }
  if (rule.type === 'reject') return { ...none, state: 'rejected' }
  const counted = rule.signers ? counting(rule.signers, reference, records, nowMs) : undefined
  if (counted?.isEnough) {
    const { keys, verifiedMs, untilMs } = counted
    return { name, rule, state: 'verified', keys, verifiedMs, untilMs }
  }
  return { ...none, keys: counted?.keys ?? [], state: rule.type === 'warn' ? 'accepted_unsigned' : 'rejected' }
}

interface Counted {
  readonly isEnough: boolean
  readonly keys: readonly string[]
  readonly verifiedMs: number
  readonly untilMs: number
}

function counting(
  { keys, threshold, identity, level }: Signers,
  reference: ImageReference | undefined,
  records: readonly TrustRecord[],
  nowMs: number,
): Counted {
  const right = records.filter(
    (record) =>
      (level === 'any' || record.kind === level) &&
      (reference === undefined || matchesIdentity(identity, reference, record.identity)),
  )
  const signed = keys.filter(
    ({ fingerprint, expiresMs }) => expiresMs > nowMs && right.some(({ key }) => key === fingerprint),
  )
  const counted = right.filter(({ key }) => signed.some(({ fingerprint }) => fingerprint === key))
  return {
    isEnough: signed.length >= threshold,
    keys: signed.map(({ fingerprint }) => fingerprint),
    verifiedMs: Math.max(0, ...counted.map((record) => record.verifiedMs)),
    untilMs: Math.min(...signed.map(({ expiresMs }) => expiresMs)),
  }
}
