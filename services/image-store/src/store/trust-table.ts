import type { Store } from '@caisson/service-kit'
import type { SignedKind, TrustRecord, TrustTable } from '../trust/ports.ts'
import { digest, number, text } from './rows.ts'

/** Table `trust`. */
export function trustTable(store: Store): TrustTable {
  const insert = store.prepare(
    `INSERT INTO trust (digest, kind, key, identity, verified_ms, policy) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  const of = store.prepare('SELECT * FROM trust WHERE digest = ?')
  const prune = store.prepare('DELETE FROM trust WHERE digest NOT IN (SELECT digest FROM image_target)')
  return {
    insert: ({ digest: signed, kind, key, identity, verifiedMs, policy }) =>
      insert.run(signed, kind, key, identity, verifiedMs, policy).changes > 0,
    of: (digests) => digests.flatMap((signed) => of.all(signed).map(toRecord)),
    prune: () => prune.run().changes,
  }
}

const toRecord = (row: Readonly<Record<string, unknown>>): TrustRecord => ({
  digest: digest(row, 'digest'),
  kind: text(row, 'kind') as SignedKind,
  key: text(row, 'key'),
  identity: text(row, 'identity'),
  verifiedMs: number(row, 'verified_ms'),
  policy: text(row, 'policy'),
})
