import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { ImageDraft, ImagePlace, ImageRecord, ImageTable } from '../image/ports.ts'
import { digest, json, push } from './rows.ts'

/** Tables `image`, `image_target`, `image_blob` and `image_layer`. Calls belong into a transaction of the caller. */
export function imageTable(store: Store): ImageTable {
  const get = store.prepare('SELECT record FROM image WHERE id = ?')
  const insert = store.prepare(
    'INSERT INTO image (id, created_ms, stored_ms, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const remove = store.prepare('DELETE FROM image WHERE id = ?')
  const byPrefix = store.prepare('SELECT record FROM image WHERE id >= ? AND id < ? LIMIT ?')
  const byTarget = store.prepare(
    'SELECT record FROM image JOIN image_target ON image_target.image = image.id WHERE image_target.digest = ?',
  )
  const all = store.prepare('SELECT record FROM image ORDER BY created_ms DESC, id')
  // The first condition is what the index by age is entered with.
  const page = store.prepare(
    `SELECT record FROM image WHERE created_ms <= ? AND (created_ms < ? OR id > ?)
     ORDER BY created_ms DESC, id LIMIT ?`,
  )
  const targets = store.prepare('SELECT digest FROM image_target WHERE image = ?')
  const blobs = store.prepare('SELECT digest FROM image_blob WHERE image = ?')
  const soleLayers = store.prepare(
    `SELECT chain_id AS digest FROM image_layer AS own WHERE image = ? AND NOT EXISTS (
       SELECT 1 FROM image_layer AS other WHERE other.chain_id = own.chain_id AND other.image <> own.image)`,
  )
  const allSoleLayers = store.prepare(
    'SELECT chain_id, min(image) AS image FROM image_layer GROUP BY chain_id HAVING count(*) = 1',
  )
  const addTarget = store.prepare('INSERT INTO image_target (digest, image) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const addBlob = store.prepare('INSERT INTO image_blob (digest, image) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const addLayer = store.prepare('INSERT INTO image_layer (chain_id, image) VALUES (?, ?) ON CONFLICT DO NOTHING')

  function put({ record, targets: digests, blobs: content }: ImageDraft): void {
    insert.run(record.id, record.createdMs, record.storedMs, JSON.stringify(record))
    for (const target of digests) addTarget.run(target, record.id)
    for (const blob of content) addBlob.run(blob, record.id)
    for (const layer of record.layers) addLayer.run(layer.chainId, record.id)
  }

  return {
    get: (id) => {
      const row = get.get(id)
      return row ? toRecord(row) : undefined
    },
    put,
    delete: (id) => void remove.run(id),
    // `g` follows the last hexadecimal digit.
    byIdPrefix: (digits, limit) => byPrefix.all(`sha256:${digits}`, `sha256:${digits}g`, limit).map(toRecord),
    byTarget: (target) => byTarget.all(target).map(toRecord),
    all: () => all.all().map(toRecord),
    page: (after = FIRST, limit) => page.all(after.createdMs, after.createdMs, after.id, limit).map(toRecord),
    targets: (id) => targets.all(id).map(toDigest),
    soleLayers: (id) => soleLayers.all(id).map(toDigest),
    allSoleLayers: () => {
      const layers = new Map<Digest, Digest[]>()
      for (const row of allSoleLayers.all()) push(layers, digest(row, 'image'), digest(row, 'chain_id'))
      return layers
    },
    blobs: (id) => blobs.all(id).map(toDigest),
  }
}

/** Before every image. */
const FIRST: ImagePlace = { createdMs: Number.MAX_SAFE_INTEGER, id: '' }

type Row = Readonly<Record<string, unknown>>

const toRecord = (row: Row): ImageRecord => json<ImageRecord>(row, 'record')
const toDigest = (row: Row): Digest => digest(row, 'digest')
