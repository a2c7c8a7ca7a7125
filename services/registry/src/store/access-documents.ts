import { z } from 'zod'
import type { Grant } from '../access/grant.ts'
import { parsePattern } from '../access/pattern.ts'

/** Grants as documents hold them. */
export const grantsDocument = z
  .array(z.object({ repositories: z.string(), rights: z.array(z.enum(['pull', 'push', 'delete', 'admin'])) }))
  .transform((grants): Grant[] =>
    grants.map(({ repositories, rights }) => ({ repositories: parsePattern(repositories), rights })),
  )

/** A user, by its name. */
export const userDocument = z.object({
  uid: z.string(),
  password: z.object({ kind: z.enum(['argon2id', 'bcrypt']), encoded: z.string() }),
  epoch: z.int(),
  grants: grantsDocument,
  disabled: z.boolean(),
  createdAt: z.number(),
  lastSeenAt: z.number(),
})

/** A token, by its id. */
export const tokenDocument = z.object({
  kind: z.enum(['robot', 'identity']),
  uid: z.string(),
  epoch: z.int(),
  description: z.string(),
  grants: grantsDocument,
  secretHash: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  lastSeenAt: z.number(),
})

/** The keys that access tokens are signed by. */
export const keysDocument = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      createdAt: z.number(),
      jwk: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() }),
    }),
  ),
})

export type KeyDocument = z.infer<typeof keysDocument>['keys'][number]

/** What an access token of ours says (RFC 7519, and `access` as the distribution project has it). */
export const accessClaims = z.object({
  sub: z.string(),
  exp: z.number(),
  user: z.string().optional(),
  uid: z.string().optional(),
  epoch: z.int().optional(),
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })),
})

export type AccessClaims = z.infer<typeof accessClaims>
