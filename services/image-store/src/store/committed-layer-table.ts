import type { Store } from '@caisson/service-kit'
import type { CommittedLayerTable } from '../commit/ports.ts'
import { digest, number, text } from './rows.ts'

/** Table `committed_layer`. */
export function committedLayerTable(store: Store): CommittedLayerTable {
  const get = store.prepare('SELECT digest, size, media_type FROM committed_layer WHERE snapshot = ?')
  const insert = store.prepare('INSERT INTO committed_layer (snapshot, digest, size, media_type) VALUES (?, ?, ?, ?)')
  return {
    get: (snapshot) => {
      const row = get.get(snapshot)
      return row && { digest: digest(row, 'digest'), size: number(row, 'size'), mediaType: text(row, 'media_type') }
    },
    insert: (snapshot, { digest: blob, size, mediaType }) => void insert.run(snapshot, blob, size, mediaType),
  }
}
