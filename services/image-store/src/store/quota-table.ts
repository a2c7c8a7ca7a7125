import type { Store } from '@caisson/service-kit'
import type { QuotaRecord, QuotaTable } from '../quota/ports.ts'
import { number, text } from './rows.ts'

/** Table `quota`. A snapshot that goes leaves its project behind, until nothing counts for it any more. */
export function quotaTable(store: Store): QuotaTable {
  const free = store.prepare(
    `SELECT min(project) AS project FROM (
       SELECT ? AS project UNION ALL SELECT project + 1 FROM quota WHERE project >= ?
     ) WHERE project NOT IN (SELECT project FROM quota)`,
  )
  const insert = store.prepare('INSERT INTO quota (project, snapshot, bytes) VALUES (?, ?, ?)')
  const assign = store.prepare('UPDATE quota SET snapshot = ? WHERE project = ?')
  const remove = store.prepare('DELETE FROM quota WHERE project = ?')
  const ofSnapshot = store.prepare('SELECT * FROM quota WHERE snapshot = ?')
  const all = store.prepare('SELECT * FROM quota ORDER BY project')
  return {
    free: (first) => number(free.get(first, first) ?? {}, 'project'),
    insert: ({ project, snapshot, bytes }) => void insert.run(project, snapshot ?? null, bytes),
    assign: (project, snapshot) => void assign.run(snapshot, project),
    delete: (project) => void remove.run(project),
    ofSnapshot: (key) => {
      const row = ofSnapshot.get(key)
      return row && toQuota(row)
    },
    all: () => all.all().map(toQuota),
  }
}

const toQuota = (row: Readonly<Record<string, unknown>>): QuotaRecord => ({
  project: number(row, 'project'),
  snapshot: row['snapshot'] === null ? undefined : text(row, 'snapshot'),
  bytes: number(row, 'bytes'),
})
