import { createHash } from 'node:crypto'
import { invalid } from '@caisson/api'
import type { ImageReference } from '@caisson/oci'
import { type IdentityRule, type KeyDocument, type PolicyDocument, policySchema, type RuleDocument } from './config.ts'
import { type PublicKey, readPublicKey } from './public-key.ts'
import { checkScope, scopesOf } from './scope.ts'

/** A key of a rule, and until when it counts. */
export interface TrustedKey extends PublicKey {
  /** Milliseconds since 1970. Infinity: for ever. */
  readonly expiresMs: number
}

export interface Signers {
  readonly keys: readonly TrustedKey[]
  readonly threshold: number
  readonly identity: IdentityRule
  readonly level: 'any' | 'index' | 'manifest'
}

/** What is asked of an image. */
export interface Rule {
  readonly type: 'insecureAcceptAnything' | 'reject' | 'warn' | 'signedBy'
  /** What it is for: a scope, or `default`. */
  readonly scope: string
  /** Who may sign. Undefined: nobody is asked. */
  readonly signers?: Signers
}

/** Who is trusted with what, at one moment: it never changes. */
export interface Policy {
  /** Changes with every change of the policy or its keys. */
  readonly fingerprint: string
  /** No rule can refuse an image or knows a key: there is nothing to check. */
  readonly isOpen: boolean
  readonly default: Rule
  /** By scope. */
  readonly rules: ReadonlyMap<string, Rule>
}

/** Makes a policy of a document. `readKey` gives the text of a key file. Throws POLICY_INVALID that names the place. */
export function compilePolicy(json: unknown, readKey: (file: string) => string): Policy {
  const document = parsed(json)
  const hash = createHash('sha256').update(JSON.stringify(document))
  const rule = (one: RuleDocument, scope: string, at: string): Rule => {
    const compiled = compileRule(one, scope, at, readKey)
    for (const { fingerprint } of compiled.signers?.keys ?? []) hash.update(fingerprint)
    return compiled
  }
  const fallback = rule(document.default, 'default', 'default')
  const rules = byScope(
    document.rules.map((one, at) => {
      const scope = placed(`rules.${at}.scope`, () => checkScope(one.scope))
      return rule(one, scope, `rules.${at}`)
    }),
  )
  const isOpen = [fallback, ...rules.values()].every(
    ({ type, signers }) => type === 'insecureAcceptAnything' || (type === 'warn' && !signers),
  )
  return { fingerprint: `sha256:${hash.digest('hex')}`, isOpen, default: fallback, rules }
}

/** The rule for a name: that of its narrowest scope. Undefined: an image without a name. */
export function ruleFor(policy: Policy, reference: ImageReference | undefined): Rule {
  if (!reference || policy.rules.size === 0) return policy.default
  for (const scope of scopesOf(reference)) {
    const rule = policy.rules.get(scope)
    if (rule) return rule
  }
  return policy.default
}

function parsed(json: unknown): PolicyDocument {
  const result = policySchema.safeParse(json)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
  throw invalid(problems.join('; '), { reason: 'POLICY_INVALID' })
}

function compileRule(rule: RuleDocument, scope: string, at: string, readKey: (file: string) => string): Rule {
  if (rule.type === 'insecureAcceptAnything' || rule.type === 'reject') return { type: rule.type, scope }
  if (!rule.keys) return { type: rule.type, scope }
  const keys = rule.keys.map((key, n) => placed(`${at}.keys.${n}`, () => compileKey(key, readKey)))
  const { threshold, identity, level } = rule
  const different = new Set(keys.map(({ fingerprint }) => fingerprint)).size
  if (different < keys.length) throw invalid(`${at}.keys: a key is there twice`, { reason: 'POLICY_INVALID' })
  if (threshold > different)
    throw invalid(`${at}.threshold: ${threshold} keys must sign, but there are ${different}`, {
      reason: 'POLICY_INVALID',
    })
  return { type: rule.type, scope, signers: { keys, threshold, identity, level } }
}

function compileKey({ file, pem, expires }: KeyDocument, readKey: (file: string) => string): TrustedKey {
  const key = file === undefined ? readPublicKey(pem ?? '', 'in the policy') : readPublicKey(readKey(file), file)
  return { ...key, expiresMs: expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires) }
}

function byScope(rules: readonly Rule[]): ReadonlyMap<string, Rule> {
  const scopes = new Map<string, Rule>()
  for (const rule of rules) {
    if (scopes.has(rule.scope))
      throw invalid(`rules: ${rule.scope} has more than one rule`, { reason: 'POLICY_INVALID' })
    scopes.set(rule.scope, rule)
  }
  return scopes
}

/** Says where in the policy something is wrong. */
function placed<T>(at: string, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    const what = thrown instanceof Error ? thrown.message : String(thrown)
    throw invalid(`${at}: ${what}`, { reason: 'POLICY_INVALID', cause: thrown })
  }
}
