import type { Handlers } from '@caisson/api'
import type { ImagesDefinition } from '@caisson/api/image'
import { ChangeKind, type SnapshotsDefinition } from '@caisson/api/snapshot'
import { parseCompression } from '../commit/compression.ts'
import type { TreeChange } from '../commit/ports.ts'
import type { ImageStore } from '../service.ts'
import { parseSnapshotKey } from '../snapshot/snapshot-key.ts'
import { fromConfig, toImage, toSnapshot } from './convert.ts'

const KINDS = {
  added: ChangeKind.ADDED,
  modified: ChangeKind.MODIFIED,
  deleted: ChangeKind.DELETED,
} as const satisfies Record<TreeChange['kind'], ChangeKind>

/** Commit and Changes of caisson.image.v1.Snapshots. */
export function commitHandlers(store: ImageStore): Pick<Handlers<typeof SnapshotsDefinition>, 'commit' | 'changes'> {
  return {
    commit: async ({ key, compression, lease, committedKey }, { signal }) => {
      const request = {
        key: parseSnapshotKey(key),
        compression: parseCompression(compression),
        lease,
        committedKey: committedKey === '' ? '' : parseSnapshotKey(committedKey),
      }
      const { snapshot, layer, skipped, changed } = await store.snapshotCommitter.commit(request, signal)
      const { digest, size, diffId, mediaType, chainId } = layer
      const unpackedSize = store.layers.get(chainId)?.bytes ?? 0
      return {
        snapshot: toSnapshot(snapshot),
        layer: { digest, size, diffId, mediaType, unpackedSize },
        skipped,
        changed,
      }
    },
    changes: async function* ({ key }, { signal }) {
      for await (const { kind, path } of store.snapshotCommitter.changes(parseSnapshotKey(key), signal))
        yield { kind: KINDS[kind], path }
    },
  }
}

/** Commit of caisson.image.v1.Images. */
export function commitImage(store: ImageStore): Handlers<typeof ImagesDefinition>['commit'] {
  return async ({ config, compression, ...request }, { signal }) => {
    const image = await store.imageCommitter.commit(
      {
        ...request,
        snapshot: parseSnapshotKey(request.snapshot),
        config: config && fromConfig(config),
        compression: parseCompression(compression),
      },
      signal,
    )
    return toImage(image, store.layers.get.bind(store.layers))
  }
}
