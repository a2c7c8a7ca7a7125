import { z } from 'zod'

const key = z
  .strictObject({
    /** A PEM file; what is relative is beside the policy. */
    file: z.string().min(1).optional(),
    /** The PEM text itself. */
    pem: z.string().min(1).optional(),
    /** RFC 3339: from then on its signatures do not count. */
    expires: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(({ file, pem }) => (file === undefined) !== (pem === undefined), 'needs either file or pem')

const identity = z.strictObject({
  /**
   * What the reference in a signature must be: the very name (matchExact); the same repository (matchRepository); the
   * very name, or for a reference by digest the same repository (matchRepoDigestOrExact); anything (matchAny), which is
   * needed for signatures that carry none.
   */
  type: z.enum(['matchExact', 'matchRepository', 'matchRepoDigestOrExact', 'matchAny']),
  /** For mirrors: names that begin with `prefix` are signed with `signedPrefix` instead. */
  remap: z.strictObject({ prefix: z.string().min(1), signedPrefix: z.string().min(1) }).optional(),
})

const signers = {
  keys: z.array(key).min(1).max(64),
  /** How many different keys must have signed. */
  threshold: z.int().min(1).default(1),
  identity: identity.default({ type: 'matchRepository' }),
  /** What must be signed: the index, the manifest of the platform, or either. */
  level: z.enum(['any', 'index', 'manifest']).default('any'),
}

const scope = { scope: z.string().min(1).max(1024) }
const kinds = {
  insecureAcceptAnything: { type: z.literal('insecureAcceptAnything') },
  reject: { type: z.literal('reject') },
  warn: { type: z.literal('warn'), ...signers, keys: signers.keys.optional() },
  signedBy: { type: z.literal('signedBy'), ...signers },
}

const rule = z.discriminatedUnion('type', [
  z.strictObject(kinds.insecureAcceptAnything),
  z.strictObject(kinds.reject),
  z.strictObject(kinds.warn),
  z.strictObject(kinds.signedBy),
])

const scopedRule = z.discriminatedUnion('type', [
  z.strictObject({ ...scope, ...kinds.insecureAcceptAnything }),
  z.strictObject({ ...scope, ...kinds.reject }),
  z.strictObject({ ...scope, ...kinds.warn }),
  z.strictObject({ ...scope, ...kinds.signedBy }),
])

/** What a policy file says: DIR/etc/trust.json. */
export const policySchema = z.strictObject({
  /** For names in no scope, and for images without a name. */
  default: rule.default({
    type: 'warn',
    threshold: 1,
    identity: { type: 'matchRepository' },
    level: 'any',
  }),
  rules: z.array(scopedRule).max(10_000).default([]),
})

export type PolicyDocument = z.infer<typeof policySchema>
export type RuleDocument = PolicyDocument['default']
export type KeyDocument = z.infer<typeof key>
export type IdentityRule = z.infer<typeof identity>
