import type { Handlers } from '@caisson/api'
import type { StorageDefinition } from '@caisson/api/registry'
import { parseRepositoryName } from '../distribution/names.ts'
import type { Domain } from '../domain.ts'

/** caisson.registry.v1.Storage. */
export function storageHandlers(domain: Domain): Handlers<typeof StorageDefinition> {
  const { backend, retention, garbagePolicy } = domain
  return {
    collectGarbage: async function* ({ dryRun }, { signal }) {
      let freedBytes = 0
      for await (const { digest, freed } of backend.garbage.collect({ ...garbagePolicy, dryRun }, signal)) {
        freedBytes += freed
        yield { removed: digest, freedBytes }
      }
      yield { removed: '', freedBytes }
    },
    applyRetention: async function* ({ repository, dryRun }, { signal }) {
      const only = repository === '' ? {} : { repository: parseRepositoryName(repository) }
      yield* retention.apply({ ...only, dryRun }, signal)
    },
    usage: async () => {
      const { bytes, blobs, namespaces } = await backend.records.totals()
      return { bytes, blobs, namespaces: { ...namespaces } }
    },
  }
}
