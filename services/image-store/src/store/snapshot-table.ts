import type { Store } from '@caisson/service-kit'
import type { SnapshotKind, SnapshotRecord, SnapshotTable } from '../snapshot/ports.ts'
import { json, number, optionalDigest, text } from './rows.ts'

/** Table `snapshot`. */
export function snapshotTable(store: Store): SnapshotTable {
  const get = store.prepare('SELECT * FROM snapshot WHERE key = ?')
  const insert = store.prepare(
    'INSERT INTO snapshot (key, kind, base, parent, image, labels, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = store.prepare('DELETE FROM snapshot WHERE key = ?')
  const list = store.prepare('SELECT * FROM snapshot WHERE key > ? ORDER BY key LIMIT ?')
  const listKind = store.prepare('SELECT * FROM snapshot WHERE key > ? AND kind = ? ORDER BY key LIMIT ?')
  const child = store.prepare("SELECT 1 FROM snapshot WHERE parent = ? AND parent <> '' LIMIT 1")
  const ofImage = store.prepare('SELECT key FROM snapshot WHERE image = ? LIMIT 1')
  return {
    get: (key) => {
      const row = get.get(key)
      return row ? toSnapshot(row) : undefined
    },
    insert: ({ key, kind, base, parent, image, labels, createdMs }) =>
      void insert.run(key, kind, base ?? '', parent, image ?? '', JSON.stringify(labels), createdMs),
    delete: (key) => void remove.run(key),
    list: (after, limit, kind) => (kind ? listKind.all(after, kind, limit) : list.all(after, limit)).map(toSnapshot),
    hasChildren: (key) => child.get(key) !== undefined,
    ofImage: (image) => {
      const row = ofImage.get(image)
      return row ? text(row, 'key') : undefined
    },
  }
}

const toSnapshot = (row: Readonly<Record<string, unknown>>): SnapshotRecord => ({
  key: text(row, 'key'),
  kind: text(row, 'kind') as SnapshotKind,
  base: optionalDigest(row, 'base'),
  parent: text(row, 'parent'),
  image: optionalDigest(row, 'image'),
  labels: json(row, 'labels'),
  createdMs: number(row, 'created_ms'),
})
