import type { Store } from '@caisson/service-kit'
import type { GarbageQueries } from '../garbage/ports.ts'
import { digest, number } from './rows.ts'

/** What nothing refers to, found in one look at each table. */
export function garbageQueries(store: Store): GarbageQueries {
  const blobs = store.prepare(
    `SELECT digest, size AS bytes FROM blob
     WHERE digest NOT IN (SELECT digest FROM image_blob) AND digest NOT IN (SELECT resource FROM lease_resource)
       AND digest NOT IN (SELECT digest FROM committed_layer)
       AND digest NOT IN (SELECT digest FROM lease_content)`,
  )
  const layers = store.prepare(
    `WITH RECURSIVE needed (chain_id) AS (
       SELECT chain_id FROM image_layer
       UNION SELECT base FROM snapshot
       UNION SELECT resource FROM lease_resource
       UNION SELECT digest FROM lease_content
       UNION SELECT layer.parent FROM layer JOIN needed USING (chain_id)
     )
     SELECT chain_id, bytes FROM layer WHERE chain_id NOT IN (SELECT chain_id FROM needed)`,
  )
  return {
    blobs: () => blobs.all().map((row) => ({ digest: digest(row, 'digest'), bytes: number(row, 'bytes') })),
    layers: () => layers.all().map((row) => ({ chainId: digest(row, 'chain_id'), bytes: number(row, 'bytes') })),
  }
}
