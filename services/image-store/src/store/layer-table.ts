import type { Store } from '@caisson/service-kit'
import type { LayerRecord, LayerTable } from '../snapshot/ports.ts'
import { digest, flag, number, optionalDigest } from './rows.ts'

/** Table `layer`. */
export function layerTable(store: Store): LayerTable {
  const get = store.prepare('SELECT * FROM layer WHERE chain_id = ?')
  const insert = store.prepare(
    `INSERT INTO layer (chain_id, diff_id, parent, bytes, entries, opaque, root_mode, root_uid, root_gid, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const remove = store.prepare('DELETE FROM layer WHERE chain_id = ?')
  const all = store.prepare('SELECT * FROM layer ORDER BY chain_id')
  return {
    get: (chainId) => {
      const row = get.get(chainId)
      return row ? toLayer(row) : undefined
    },
    insert: (layer) => {
      const { mode, uid, gid } = layer.root
      const about = [layer.bytes, layer.entries, layer.opaque ? 1 : 0] as const
      insert.run(layer.chainId, layer.diffId, layer.parent ?? '', ...about, mode, uid, gid, layer.createdMs)
    },
    delete: (chainId) => void remove.run(chainId),
    all: () => all.all().map(toLayer),
  }
}

const toLayer = (row: Readonly<Record<string, unknown>>): LayerRecord => ({
  chainId: digest(row, 'chain_id'),
  diffId: digest(row, 'diff_id'),
  parent: optionalDigest(row, 'parent'),
  bytes: number(row, 'bytes'),
  entries: number(row, 'entries'),
  opaque: flag(row, 'opaque'),
  root: { mode: number(row, 'root_mode'), uid: number(row, 'root_uid'), gid: number(row, 'root_gid') },
  createdMs: number(row, 'created_ms'),
})
