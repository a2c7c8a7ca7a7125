import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { BlobRecord, BlobTable } from '../content/ports.ts'
import { digest, number } from './rows.ts'

/** Table `blob`. */
export function blobTable(store: Store): BlobTable {
  const get = store.prepare('SELECT * FROM blob WHERE digest = ?')
  const insert = store.prepare('INSERT INTO blob (digest, size, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
  const remove = store.prepare('DELETE FROM blob WHERE digest = ?')
  const list = store.prepare('SELECT * FROM blob WHERE digest > ? ORDER BY digest LIMIT ?')
  const totals = store.prepare('SELECT coalesce(sum(size), 0) AS bytes, count(*) AS count FROM blob')
  return {
    get: (wanted: Digest) => optional(get.get(wanted)),
    insert: (blob) => void insert.run(blob.digest, blob.size, blob.createdMs),
    delete: (wanted) => void remove.run(wanted),
    list: (after, limit) => list.all(after, limit).map(toBlob),
    totals: () => {
      const row = totals.get() ?? {}
      return { bytes: number(row, 'bytes'), count: number(row, 'count') }
    },
  }
}

type Row = Readonly<Record<string, unknown>>

const toBlob = (row: Row): BlobRecord => ({
  digest: digest(row, 'digest'),
  size: number(row, 'size'),
  createdMs: number(row, 'created_ms'),
})

const optional = (row: Row | undefined): BlobRecord | undefined => (row ? toBlob(row) : undefined)
