import type { Store } from '@caisson/service-kit'
import type { ImageUseTable } from '../garbage/ports.ts'
import { digest, number } from './rows.ts'

/** Table `image_use`. */
export function imageUseTable(store: Store): ImageUseTable {
  const set = store.prepare(
    `INSERT INTO image_use (image, used_ms) SELECT id, ? FROM image WHERE id = ?
     ON CONFLICT DO UPDATE SET used_ms = max(used_ms, excluded.used_ms)`,
  )
  const all = store.prepare('SELECT image, used_ms FROM image_use')
  return {
    set: (image, usedMs) => void set.run(usedMs, image),
    all: () => new Map(all.all().map((row) => [digest(row, 'image'), number(row, 'used_ms')])),
  }
}
