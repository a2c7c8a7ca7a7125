import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { RepositoryName, TagName } from '../../distribution/names.ts'
import type { NamePage, TagRecord } from '../ports.ts'
import { digestOfRow, manifestOfRow, optionalTime, type Row, tagOfRow } from './rows.ts'

/** Rows of tags. */
export class TagTable {
  readonly #digest
  readonly #set
  readonly #delete
  readonly #page
  readonly #ofManifest

  constructor(store: Store) {
    this.#digest = store.prepare(
      'SELECT m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id WHERE t.repository_id = ? AND t.name = ?',
    )
    this.#set = store.prepare(
      `INSERT INTO tag (repository_id, name, manifest_id, pushed_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at`,
    )
    this.#delete = store.prepare('DELETE FROM tag WHERE repository_id = ? AND name = ?')
    this.#page = store.prepare(
      `SELECT t.name, m.digest, m.media_type, m.size, t.pushed_at, t.pulled_at
       FROM repository r JOIN tag t ON t.repository_id = r.id JOIN manifest m ON m.id = t.manifest_id
       WHERE r.name = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
    )
    this.#ofManifest = store.prepare(
      `SELECT t.name, m.digest, m.media_type, m.size, t.pushed_at, t.pulled_at
       FROM repository r JOIN manifest m ON m.repository_id = r.id AND m.digest = ? JOIN tag t ON t.manifest_id = m.id
       WHERE r.name = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
    )
  }

  digest(repositoryId: number, tag: TagName): Digest | undefined {
    const row = this.#digest.get(repositoryId, tag)
    return row && digestOfRow(row)
  }

  set(repositoryId: number, tag: TagName, manifestId: number, at: number): void {
    this.#set.run(repositoryId, tag, manifestId, at)
  }

  delete(repositoryId: number, tag: TagName): boolean {
    return this.#delete.run(repositoryId, tag).changes > 0
  }

  page(
    repository: RepositoryName,
    { after = '', limit, digest }: NamePage & { readonly digest?: Digest },
  ): TagRecord[] {
    const rows =
      digest === undefined
        ? this.#page.all(repository, after, limit)
        : this.#ofManifest.all(digest, repository, after, limit)
    return rows.map(recordOfRow)
  }
}

const recordOfRow = (row: Row): TagRecord => ({
  name: tagOfRow(row),
  target: manifestOfRow(row),
  pushedAt: Number(row['pushed_at']),
  ...optionalTime(row['pulled_at']),
})
