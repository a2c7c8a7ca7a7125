import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { RepositoryName } from '../../distribution/names.ts'
import type { BlobStat } from '../ports.ts'
import { blobOfRow, nameOfRow } from './rows.ts'

/** Rows of blobs, and which repositories they are linked to. */
export class LinkTable {
  readonly #blob
  readonly #insertBlob
  readonly #deleteBlob
  readonly #page
  readonly #linked
  readonly #link
  readonly #touch
  readonly #unlink
  readonly #repositories
  readonly #has

  constructor(store: Store) {
    this.#blob = store.prepare('SELECT id, digest, size FROM blob WHERE digest = ?')
    this.#insertBlob = store.prepare('INSERT INTO blob (digest, size) VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.#deleteBlob = store.prepare(
      'DELETE FROM blob WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM blob_link WHERE blob_id = blob.id)',
    )
    this.#page = store.prepare('SELECT digest, size FROM blob WHERE digest > ? ORDER BY digest LIMIT ?')
    this.#linked = store.prepare(
      `SELECT b.digest, b.size, l.touched_at FROM repository r JOIN blob b ON b.digest = ?
       JOIN blob_link l ON l.repository_id = r.id AND l.blob_id = b.id WHERE r.name = ?`,
    )
    this.#link = store.prepare(
      `INSERT INTO blob_link (repository_id, blob_id, touched_at) SELECT ?, id, ? FROM blob WHERE digest = ?
       ON CONFLICT DO UPDATE SET touched_at = excluded.touched_at`,
    )
    this.#touch = store.prepare(
      `UPDATE blob_link SET touched_at = ? WHERE repository_id = (SELECT id FROM repository WHERE name = ?)
       AND blob_id = (SELECT id FROM blob WHERE digest = ?)`,
    )
    this.#unlink = store.prepare(
      `DELETE FROM blob_link WHERE repository_id = (SELECT id FROM repository WHERE name = ?)
       AND blob_id = (SELECT id FROM blob WHERE digest = ?)`,
    )
    this.#repositories = store.prepare(
      `SELECT r.name FROM blob b JOIN blob_link l ON l.blob_id = b.id JOIN repository r ON r.id = l.repository_id
       WHERE b.digest = ? ORDER BY r.name LIMIT ?`,
    )
    this.#has = store.prepare(
      'SELECT 1 FROM blob_link WHERE repository_id = ? AND blob_id = (SELECT id FROM blob WHERE digest = ?)',
    )
  }

  stat(digest: Digest): BlobStat | undefined {
    const row = this.#blob.get(digest)
    return row && blobOfRow(row)
  }

  insert(blob: BlobStat): void {
    this.#insertBlob.run(blob.digest, blob.size)
  }

  /** Only when nothing links to it: false then. */
  delete(digest: Digest): boolean {
    return this.#deleteBlob.run(digest).changes > 0
  }

  page(after: Digest | undefined, limit: number): BlobStat[] {
    return this.#page.all(after ?? '', limit).map(blobOfRow)
  }

  linked(repository: RepositoryName, digest: Digest): (BlobStat & { readonly touchedAt: number }) | undefined {
    const row = this.#linked.get(digest, repository)
    return row && { ...blobOfRow(row), touchedAt: Number(row['touched_at']) }
  }

  has(repositoryId: number, digest: Digest): boolean {
    return this.#has.get(repositoryId, digest) !== undefined
  }

  link(repositoryId: number, digest: Digest, at: number): void {
    this.#link.run(repositoryId, at, digest)
  }

  touch(repository: RepositoryName, digest: Digest, at: number): void {
    this.#touch.run(at, repository, digest)
  }

  unlink(repository: RepositoryName, digest: Digest): boolean {
    return this.#unlink.run(repository, digest).changes > 0
  }

  repositories(digest: Digest, limit: number): RepositoryName[] {
    return this.#repositories.all(digest, limit).map(nameOfRow)
  }
}
