import type { Handlers, Partially } from '@caisson/api'
import type { Replication, ReplicationsDefinition } from '@caisson/api/registry'
import type { Replicator, RuleWithStanding } from '../replication/replicator.ts'
import { toTime } from './convert.ts'

/** caisson.registry.v1.Replications */
export function replicationsHandlers(replicator: Replicator): Handlers<typeof ReplicationsDefinition> {
  return {
    set: async (draft) => toReplication(await replicator.set(draft)),
    list: async () => ({ replications: (await replicator.list()).map(toReplication) }),
    delete: async ({ name }) => {
      await replicator.delete(name)
      return {}
    },
    sync: async ({ name }) => {
      await replicator.sync(name)
      return {}
    },
  }
}

/** Without the password. */
function toReplication(rule: RuleWithStanding): Partially<Replication> {
  const { password, repositories, standing, copiedAt, uid: _, ...rest } = rule
  const { state, error, pending, isSyncing } = standing
  return {
    ...{ ...rest, state, error, pending },
    repositories: repositories.map(({ text }) => text),
    hasPassword: password !== '',
    syncing: isSyncing,
    copiedAt: toTime(copiedAt),
  }
}
