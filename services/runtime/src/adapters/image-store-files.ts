import { type Channel, fromTimestamp } from '@caisson/api'
import { SnapshotsDefinition, type WriteArchiveRequest } from '@caisson/api/snapshot'
import type { FilePlace, Files, WriteRequest } from '../files/ports.ts'
import { snapshotKey } from './image-store.ts'

/** Files of containers from the image store. */
export function imageStoreFiles(channel: Channel): Files {
  const snapshots = channel.client(SnapshotsDefinition)
  return {
    async stat(place, path, follow, signal) {
      const { modifiedAt, ...facts } = await snapshots.statPath({ ...rootOf(place), path, follow }, { signal })
      return { ...facts, mtimeNs: fromTimestamp(modifiedAt) }
    },
    async *read(place, request, signal) {
      for await (const { chunk } of snapshots.readArchive({ ...rootOf(place), ...request }, { signal })) yield chunk
    },
    write: (place, request, archive, signal) => snapshots.writeArchive(messages(place, request, archive), { signal }),
  }
}

function rootOf(place: FilePlace): { key: string; directory: string; live?: { pid: number; startTime: number } } {
  if ('directory' in place) return { key: '', directory: place.directory }
  if ('id' in place) return { key: snapshotKey(place.id), directory: '' }
  const { pid, startTime } = place.process
  return { key: '', directory: '', live: { pid, startTime: Number(startTime) } }
}

async function* messages(
  place: FilePlace,
  request: WriteRequest,
  archive: AsyncIterable<Buffer>,
): AsyncGenerator<{ item: WriteArchiveRequest['item'] }> {
  yield { item: { $case: 'options', value: { ...rootOf(place), live: rootOf(place).live, ...request } } }
  for await (const value of archive) yield { item: { $case: 'chunk', value } }
}
