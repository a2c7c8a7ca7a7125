import type { Handlers } from '@caisson/api'
import type { StoreDefinition } from '@caisson/api/content'
import type { ImageStore } from '../service.ts'
import { toTime } from './convert.ts'

/** caisson.image.v1.Store. */
export function storeHandlers(store: ImageStore): Handlers<typeof StoreDefinition> {
  return {
    diskUsage: async ({ verbose }, { signal }) => {
      const { images, snapshotList, ...usage } = await store.diskUsage(signal)
      const detail = {
        images: images.map(({ lastUsedMs, ...image }) => ({ ...image, lastUsedAt: toTime(lastUsedMs) })),
        snapshotList,
      }
      return { ...usage, imageCount: images.length, ...(verbose && detail) }
    },
    collectGarbage: async ({ dryRun, applyPolicy }) =>
      applyPolicy ? store.imageCollector.collect({ dryRun }) : store.collector.collect({ dryRun }),
    verify: async function* ({ quarantine, repair }, { signal }) {
      for await (const step of store.verifier.verify({ quarantine, repair }, signal))
        if ('progress' in step) yield { item: { $case: 'progress', value: step.progress } }
        else yield { item: { $case: 'damage', value: step.damage } }
    },
  }
}
