import { Policy } from '@caisson/api/registry'
import { EXIT_OK } from '../../exit-code.ts'
import { binaryBytes } from '../../output/units.ts'
import { parseSize } from '../../parse/numbers.ts'
import { formatRetentionRule, parseRetentionRule } from '../../parse/retention.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Shows the policy of a repository, with what it inherits. */
export const policyShow: Action = async ({ engine, out, signal }, [name = '']) => {
  const { repositories } = await registryService(engine)
  const { policy } = await repositories.get({ name }, { signal })
  if (!policy) throw new Error('the registry answered without a policy')
  if (out.json) out.document(Policy.toJSON(policy))
  else
    out.table(rowsOf(policy), [
      { head: 'POLICY', cell: ([key]) => key },
      { head: 'VALUE', cell: ([, value]) => value },
    ])
  return EXIT_OK
}

/** Sets the whole policy of a repository or of all below a name. */
export const policySet: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const policy: Policy = {
    anonymousPull: options.flag('anonymousPull'),
    immutableTags: [...options.list('immutable')],
    quotaBytes: options.parsed('quota', (value) => parseSize('--quota', value)) ?? 0,
    retention: options.list('keep').map(parseRetentionRule),
    deletes: options.flag('deletes'),
  }
  const { repositories } = await registryService(engine)
  await repositories.setPolicy({ name, policy }, { signal })
  if (out.json) out.document({ name, policy: Policy.toJSON(policy) })
  else out.line(name)
  return EXIT_OK
}

/** Removes the policy of a repository or of all below a name: what is above counts again. */
export const policyUnset: Action = async ({ engine, out, signal }, [name = '']) => {
  const { repositories } = await registryService(engine)
  await repositories.setPolicy({ name, policy: undefined }, { signal })
  if (out.json) out.document({ name, policy: null })
  else out.line(name)
  return EXIT_OK
}

function rowsOf(policy: Policy): [string, string][] {
  return [
    ['anonymous pull', yesNo(policy.anonymousPull)],
    ['deletes over HTTP', yesNo(policy.deletes)],
    ['immutable tags', policy.immutableTags.join(' ') || '-'],
    ['quota', policy.quotaBytes === 0 ? 'none' : binaryBytes(policy.quotaBytes)],
    ...policy.retention.map((rule): [string, string] => ['keeps', formatRetentionRule(rule)]),
  ]
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no')
