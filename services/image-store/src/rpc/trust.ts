import type { Handlers, Partially } from '@caisson/api'
import { type ImageTrust, type TrustDefinition, TrustState as WireState } from '@caisson/api/trust'
import type { FoundImage } from '../image/lookup.ts'
import { wantedPlatform } from '../image/platform.ts'
import type { ImageStore } from '../service.ts'
import { type TrustReport, worstOf } from '../trust/gate.ts'
import type { TrustState } from '../trust/judge.ts'
import type { Policy, Rule } from '../trust/policy.ts'
import { toTime } from './convert.ts'

/** caisson.image.v1.Trust. */
export function trustHandlers(store: ImageStore): Handlers<typeof TrustDefinition> {
  return {
    check: async ({ image, platform }) => {
      const found = store.lookup.find(image, wantedPlatform(platform))
      return { id: found.record.id, names: store.gate.report(found, image).map(toTrust) }
    },
    getPolicy: async () => toPolicy(store.policyFile.current()),
    validatePolicy: async ({ document }) => toPolicy(store.policyFile.compile(document)),
  }
}

const STATES = {
  unchecked: WireState.UNCHECKED,
  accepted_unsigned: WireState.ACCEPTED_UNSIGNED,
  verified: WireState.VERIFIED,
  rejected: WireState.REJECTED,
} as const satisfies Record<TrustState, WireState>

/** The trust in an image as one answer. `query` is how it was asked for. */
export function trustOf(store: ImageStore, image: FoundImage, query = ''): Partially<ImageTrust> | undefined {
  const worst = worstOf(store.gate.report(image, query))
  return worst && toTrust(worst)
}

function toTrust({ name, state, rule, keys, verifiedMs, problem }: TrustReport): Partially<ImageTrust> {
  const verifiedAt = verifiedMs === 0 ? undefined : toTime(verifiedMs)
  return { name, state: STATES[state], rule, keys: [...keys], verifiedAt, problem }
}

function toPolicy({ fingerprint, default: fallback, rules }: Policy) {
  return { fingerprint, rules: [fallback, ...rules.values()].map(toRule) }
}

function toRule({ scope, type, signers }: Rule) {
  const keys = signers?.keys.map(({ fingerprint }) => fingerprint) ?? []
  return { scope, type, keys, threshold: signers?.threshold ?? 0 }
}
