import type { Partially } from '@caisson/api'
import { type RestartPolicy, RestartPolicyKind } from '@caisson/api/container'
import { parseInteger } from './numbers.ts'
import { refuse } from './refusal.ts'

/** --restart no, on-failure[:MAX], always or unless-stopped. */
export function parseRestart(value: string): Partially<RestartPolicy> {
  if (value === 'no') return { kind: RestartPolicyKind.NO }
  if (value === 'always') return { kind: RestartPolicyKind.ALWAYS }
  if (value === 'unless-stopped') return { kind: RestartPolicyKind.UNLESS_STOPPED }
  const found = /^on-failure(?::(\d+))?$/.exec(value)
  if (!found)
    throw refuse('--restart', value, 'is not a policy: there are no, on-failure[:MAX], always, unless-stopped')
  const maxRetries = found[1] === undefined ? 0 : parseInteger('--restart', found[1], 0, 1_000_000)
  return { kind: RestartPolicyKind.ON_FAILURE, maxRetries }
}
