import type { Store } from '@caisson/service-kit'
import type { BlobOriginTable } from '../push/ports.ts'
import { text } from './rows.ts'

/** Rows that are kept: the ones seen last. */
const MAX_ROWS = 20_000

/** Table `blob_origin`, bounded. Calls that write belong into a transaction of the caller. */
export function blobOriginTable(store: Store): BlobOriginTable {
  const add = store.prepare(
    `INSERT INTO blob_origin (digest, registry, repository, seen_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms`,
  )
  const trim = store.prepare(
    `DELETE FROM blob_origin WHERE seen_ms < (
       SELECT seen_ms FROM blob_origin ORDER BY seen_ms DESC LIMIT 1 OFFSET ${MAX_ROWS})`,
  )
  const of = store.prepare(
    'SELECT repository FROM blob_origin WHERE digest = ? AND registry = ? ORDER BY seen_ms DESC LIMIT ?',
  )
  return {
    add: (digests, { registry, repository }, nowMs) => {
      for (const digest of digests) add.run(digest, registry, repository, nowMs)
      trim.run()
    },
    of: (digest, registry, limit) => of.all(digest, registry, limit).map((row) => text(row, 'repository')),
  }
}
