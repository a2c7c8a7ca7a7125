import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { RepositoryName } from '../../distribution/names.ts'
import type { BlobStat } from '../ports.ts'
import { blobOfRow, digestOfRow, nameOfRow } from './rows.ts'

/** Rows are looked at a window at a time, so that nothing else waits for long. */
const WINDOW = 500

interface Window<Cursor, T> {
  readonly garbage: readonly T[]
  /** Undefined: this was the last window. */
  readonly next: Cursor | undefined
}

export interface ManifestRow {
  readonly id: number
  readonly repository: RepositoryName
  readonly digest: Digest
}

export interface LinkRow {
  readonly repositoryId: number
  readonly blobId: number
}

/** What nothing needs, window by window, and its removal. */
export class GarbageQueries {
  readonly #manifests
  readonly #links
  readonly #blobs
  readonly #unlink

  constructor(store: Store) {
    this.#manifests = store.prepare(
      `SELECT m.id, r.name, m.digest, (
         m.pushed_at < ?
         AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
         AND NOT EXISTS (SELECT 1 FROM manifest_child c JOIN manifest p ON p.id = c.manifest_id
                         WHERE c.digest = m.digest AND p.repository_id = m.repository_id)
         AND (m.subject IS NULL OR NOT EXISTS (SELECT 1 FROM manifest s
              WHERE s.repository_id = m.repository_id AND s.digest = m.subject))
       ) AS garbage
       FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE m.id > ? ORDER BY m.id LIMIT ${WINDOW}`,
    )
    this.#links = store.prepare(
      `SELECT l.repository_id, l.blob_id, (
         l.touched_at < ?
         AND NOT EXISTS (SELECT 1 FROM manifest_blob u JOIN manifest m ON m.id = u.manifest_id
                         WHERE u.digest = b.digest AND m.repository_id = l.repository_id)
       ) AS garbage
       FROM blob_link l JOIN blob b ON b.id = l.blob_id
       WHERE (l.repository_id, l.blob_id) > (?, ?) ORDER BY l.repository_id, l.blob_id LIMIT ${WINDOW}`,
    )
    this.#blobs = store.prepare(
      `SELECT b.digest, b.size, NOT EXISTS (SELECT 1 FROM blob_link l WHERE l.blob_id = b.id) AS garbage
       FROM blob b WHERE b.digest > ? ORDER BY b.digest LIMIT ${WINDOW}`,
    )
    this.#unlink = store.prepare('DELETE FROM blob_link WHERE repository_id = ? AND blob_id = ?')
  }

  /** Manifests that were pushed before `cutoff` and that no tag, index or subject holds. */
  manifests(after: number, cutoff: number): Window<number, ManifestRow> {
    const rows = this.#manifests.all(cutoff, after)
    const garbage = rows.filter(isGarbage)
    return {
      garbage: garbage.map((row) => ({ id: Number(row['id']), repository: nameOfRow(row), digest: digestOfRow(row) })),
      next: rows.length < WINDOW ? undefined : Number(rows.at(-1)?.['id']),
    }
  }

  /** Links that were touched before `cutoff` and that no manifest of their repository needs. */
  links(after: LinkRow, cutoff: number): Window<LinkRow, LinkRow> {
    const rows = this.#links.all(cutoff, after.repositoryId, after.blobId)
    const all = rows.map((row) => ({ repositoryId: Number(row['repository_id']), blobId: Number(row['blob_id']) }))
    const garbage = all.filter((_, index) => rows[index]?.['garbage'] === 1)
    return { garbage, next: rows.length < WINDOW ? undefined : all.at(-1) }
  }

  /** Blobs that nothing links to. */
  blobs(after: string): Window<string, BlobStat> {
    const rows = this.#blobs.all(after)
    const garbage = rows.filter(isGarbage).map(blobOfRow)
    return { garbage, next: rows.length < WINDOW ? undefined : String(rows.at(-1)?.['digest']) }
  }

  unlink({ repositoryId, blobId }: LinkRow): void {
    this.#unlink.run(repositoryId, blobId)
  }
}

const isGarbage = (row: Readonly<Record<string, unknown>>): boolean => row['garbage'] === 1
