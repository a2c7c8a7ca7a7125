import type { DigestAlgorithm } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { RepositoryName } from '../../distribution/names.ts'
import type { Scope, UploadState } from '../ports.ts'
import type { Row } from './rows.ts'
import { boundsOf } from './scope.ts'

/** Rows of uploads that are not finished. */
export class UploadTable {
  readonly #insert
  readonly #get
  readonly #begun
  readonly #has
  readonly #advance
  readonly #delete
  readonly #idle
  readonly #pending

  constructor(store: Store) {
    this.#insert = store.prepare(
      'INSERT INTO upload (id, repository, algorithm, offset, started_at, touched_at) VALUES (?, ?, ?, 0, ?, ?)',
    )
    this.#get = store.prepare('SELECT * FROM upload WHERE id = ? AND repository = ?')
    this.#begun = store.prepare('SELECT id, offset FROM upload WHERE offset > 0')
    this.#has = store.prepare('SELECT 1 FROM upload WHERE id = ?')
    this.#advance = store.prepare('UPDATE upload SET offset = ?, touched_at = ? WHERE id = ?')
    this.#delete = store.prepare('DELETE FROM upload WHERE id = ?')
    this.#idle = store.prepare('SELECT id FROM upload WHERE touched_at < ? LIMIT 1000')
    this.#pending = store.prepare(
      'SELECT coalesce(sum(offset), 0) AS bytes FROM upload WHERE repository >= ? AND repository < ?',
    )
  }

  insert({ id, repository, algorithm, startedAt }: UploadState): void {
    this.#insert.run(id, repository, algorithm, startedAt, startedAt)
  }

  get(repository: RepositoryName, id: string): UploadState | undefined {
    const row = this.#get.get(id, repository)
    return row && uploadOfRow(row)
  }

  /** Those that something arrived of. */
  begun(): { readonly id: string; readonly offset: number }[] {
    return this.#begun.all().map((row) => ({ id: String(row['id']), offset: Number(row['offset']) }))
  }

  has(id: string): boolean {
    return this.#has.get(id) !== undefined
  }

  advance(id: string, offset: number, at: number): void {
    this.#advance.run(offset, at, id)
  }

  delete(id: string): boolean {
    return this.#delete.run(id).changes > 0
  }

  idleSince(before: number): string[] {
    return this.#idle.all(before).map((row) => String(row['id']))
  }

  pending(scope: Scope): number {
    return Number(this.#pending.get(...boundsOf(scope))?.['bytes'])
  }
}

const uploadOfRow = (row: Row): UploadState => ({
  id: String(row['id']),
  repository: row['repository'] as RepositoryName,
  algorithm: row['algorithm'] as DigestAlgorithm,
  offset: Number(row['offset']),
  startedAt: Number(row['started_at']),
})
