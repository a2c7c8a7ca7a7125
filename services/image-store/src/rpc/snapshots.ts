import { type Handlers, invalid } from '@caisson/api'
import type { PrepareRequest, SnapshotsDefinition } from '@caisson/api/snapshot'
import { wantedPlatform } from '../image/platform.ts'
import type { ImageStore } from '../service.ts'
import type { WantedBase } from '../snapshot/preparer.ts'
import { parseSnapshotKey } from '../snapshot/snapshot-key.ts'
import { commitHandlers } from './commit.ts'
import { fromKind, fromPage, nextToken, toPrepared, toSnapshot } from './convert.ts'
import { treeHandlers } from './trees.ts'

const MOST_MORE = 15

/** caisson.image.v1.Snapshots. */
export function snapshotsHandlers(store: ImageStore): Handlers<typeof SnapshotsDefinition> {
  const layerOf = store.layers.get.bind(store.layers)
  const prepare = async (request: PrepareRequest, kind: 'active' | 'view', signal: AbortSignal) => {
    const quotaBytes = quotaOf(request, kind)
    const key = parseSnapshotKey(request.key)
    const durability = request.volatile ? 'crash' : 'power-cut'
    const common = { kind, labels: request.labels, durability } as const
    const base = baseOf(request)
    const more = request.moreKeys.map(parseSnapshotKey)
    if (more.length === 0) {
      const prepared = await store.preparer.prepare({ ...common, key, quotaBytes }, base, signal)
      return toPrepared(prepared, layerOf)
    }
    if (more.length > MOST_MORE || quotaBytes > 0 || 'parent' in base)
      throw invalid(`up to ${MOST_MORE} more are made at once, on an image and without quotas`, {
        reason: 'MORE_REFUSED',
      })
    const keys = [key, ...more] as const
    return toPrepared(await store.preparer.prepareAll(keys, common, base, signal), layerOf)
  }
  return {
    prepare: (request, { signal }) => prepare(request, 'active', signal),
    view: (request, { signal }) => prepare(request, 'view', signal),
    get: async ({ key }, { signal }) => toPrepared(await store.preparer.get(parseSnapshotKey(key), signal), layerOf),
    list: async ({ page, kind }) => {
      const { after, limit } = fromPage(page)
      const rows = store.snapshots.list(after, limit, fromKind(kind))
      return { snapshots: rows.map(toSnapshot), nextPageToken: nextToken(rows, limit, ({ key }) => key) }
    },
    remove: async ({ key, moreKeys }) => {
      for (const each of [key, ...moreKeys].map(parseSnapshotKey)) store.snapshots.remove(each)
      return {}
    },
    usage: async ({ key }, { signal }) => await store.preparer.usage(parseSnapshotKey(key), signal),
    ...commitHandlers(store),
    ...treeHandlers(store),
  }
}

function quotaOf({ quotaBytes }: PrepareRequest, kind: 'active' | 'view'): number {
  if (quotaBytes === 0) return 0
  if (kind === 'view') throw invalid('a view takes no changes: it has no quota', { reason: 'QUOTA_OF_VIEW' })
  if (quotaBytes < 0) throw invalid(`${quotaBytes} bytes are no quota: at least 1, or 0 for none`)
  return quotaBytes
}

function baseOf({ base, platform }: PrepareRequest): WantedBase {
  if (base?.$case === 'image') return { image: base.value, platform: wantedPlatform(platform) }
  if (base?.$case === 'parent') return { parent: parseSnapshotKey(base.value) }
  throw invalid('say what the snapshot stands on: an image or a committed snapshot', { reason: 'BASE_MISSING' })
}
