import { invalid, type Partially, toTimestamp } from '@caisson/api'
import type { Page } from '@caisson/api/common'
import {
  type Grant as GrantMessage,
  Right as RightMessage,
  type Token as TokenMessage,
  type User as UserMessage,
} from '@caisson/api/registry'
import type { Grant } from '../access/grant.ts'
import { parsePattern } from '../access/pattern.ts'
import type { Right } from '../access/right.ts'
import type { Token } from '../access/tokens.ts'
import type { User } from '../access/users.ts'

const LARGEST_PAGE = 1_000

const rights = {
  pull: RightMessage.PULL,
  push: RightMessage.PUSH,
  delete: RightMessage.DELETE,
  admin: RightMessage.ADMIN,
} as const satisfies Record<Right, RightMessage>

/** Throws `invalid-argument` for a pattern that is none and for a right that is not known. */
export function fromGrants(grants: readonly GrantMessage[]): Grant[] {
  return grants.map((grant) => ({
    repositories: parsePattern(grant.repositories),
    rights: grant.rights.map(fromRight),
  }))
}

function fromRight(message: RightMessage): Right {
  for (const right of ['pull', 'push', 'delete', 'admin'] as const) if (rights[right] === message) return right
  throw invalid('rights must be PULL, PUSH, DELETE or ADMIN', { details: { field: 'rights' } })
}

const toGrants = (grants: readonly Grant[]): Partially<GrantMessage>[] =>
  grants.map((grant) => ({ repositories: grant.repositories.text, rights: grant.rights.map((right) => rights[right]) }))

export const toUser = (user: User): Partially<UserMessage> => ({
  name: user.name,
  grants: toGrants(user.grants),
  disabled: user.disabled,
  createdAt: toTimestamp(fromMs(user.createdAt)),
  lastSeenAt: toTimestamp(fromMs(user.lastSeenAt)),
})

export const toToken = (token: Token): Partially<TokenMessage> => ({
  id: token.id,
  user: token.user,
  description: token.description,
  grants: toGrants(token.grants),
  expiresAt: toTimestamp(fromMs(token.expiresAt)),
  lastSeenAt: toTimestamp(fromMs(token.lastSeenAt)),
})

export function pageLimit(page: Page | undefined): number {
  if (page === undefined || page.size === 0) return LARGEST_PAGE
  return Math.min(page.size, LARGEST_PAGE)
}

const fromMs = (ms: number): bigint => BigInt(Math.trunc(ms)) * 1_000_000n
