import type { Store } from '@caisson/service-kit'
import type { LeaseRecord, LeaseTable } from '../lease/ports.ts'
import { json, number, text } from './rows.ts'

/** Tables `lease` and `lease_resource`. */
export function leaseTable(store: Store): LeaseTable {
  const get = store.prepare('SELECT * FROM lease WHERE id = ?')
  const insert = store.prepare('INSERT INTO lease (id, expires_ms, labels, created_ms) VALUES (?, ?, ?, ?)')
  const renew = store.prepare('UPDATE lease SET expires_ms = ? WHERE id = ?')
  const remove = store.prepare('DELETE FROM lease WHERE id = ?')
  const list = store.prepare('SELECT * FROM lease WHERE id > ? ORDER BY id LIMIT ?')
  const expire = store.prepare('DELETE FROM lease WHERE expires_ms <= ?')
  const add = store.prepare('INSERT INTO lease_resource (resource, lease) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const resources = store.prepare('SELECT resource FROM lease_resource WHERE lease = ? ORDER BY resource')
  const addContent = store.prepare('INSERT INTO lease_content (digest, lease) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const naming = store.prepare(
    `SELECT lease FROM (SELECT lease FROM lease_resource WHERE resource = ?
                        UNION SELECT lease FROM lease_content WHERE digest = ?)
     JOIN lease ON lease.id = lease WHERE expires_ms > ? LIMIT 1`,
  )
  const nextEnd = store.prepare('SELECT min(expires_ms) AS at FROM lease')

  const toLease = (row: Readonly<Record<string, unknown>>): LeaseRecord => ({
    id: text(row, 'id'),
    expiresMs: number(row, 'expires_ms'),
    createdMs: number(row, 'created_ms'),
    labels: json(row, 'labels'),
    resources: resources.all(text(row, 'id')).map((resource) => text(resource, 'resource')),
  })

  return {
    get: (id) => {
      const row = get.get(id)
      return row ? toLease(row) : undefined
    },
    insert: (lease) => void insert.run(lease.id, lease.expiresMs, JSON.stringify(lease.labels), lease.createdMs),
    renew: (id, expiresMs) => void renew.run(expiresMs, id),
    addResource: (id, resource) => void add.run(resource, id),
    addContent: (id, digests) => {
      for (const digest of digests) addContent.run(digest, id)
    },
    delete: (id) => void remove.run(id),
    list: (after, limit) => list.all(after, limit).map(toLease),
    expire: (nowMs) => void expire.run(nowMs),
    naming: (resource, nowMs) => {
      const row = naming.get(resource, resource, nowMs)
      return row ? text(row, 'lease') : undefined
    },
    nextEnd: () => {
      const row = nextEnd.get()
      return row && row['at'] !== null ? number(row, 'at') : undefined
    },
  }
}
