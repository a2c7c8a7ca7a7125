import type { Store } from '@caisson/service-kit'
import type { RepositoryName } from '../../distribution/names.ts'
import type { NamePage, Pull, RepositoryRecord, Scope, Totals } from '../ports.ts'
import { nameOfRow, optionalTime } from './rows.ts'
import { boundsOf } from './scope.ts'

/** Bytes of what repositories hold, each thing counted once. The parameters of the condition come twice. */
const usageWhere = (condition: string): string => `
  SELECT
    (SELECT coalesce(sum(size), 0) FROM blob WHERE id IN (
      SELECT blob_id FROM blob_link JOIN repository r ON r.id = repository_id WHERE ${condition})) +
    (SELECT coalesce(sum(size), 0) FROM (
      SELECT DISTINCT digest, size FROM manifest JOIN repository r ON r.id = repository_id
      WHERE ${condition})) AS bytes`

/** Rows of repositories, and sums over what they hold. */
export class RepositoryTable {
  readonly #find
  readonly #insert
  readonly #pushed
  readonly #pulled
  readonly #tagPulled
  readonly #delete
  readonly #page
  readonly #counts
  readonly #usage
  readonly #namespaceUsage
  readonly #totals
  readonly #names

  constructor(store: Store) {
    this.#find = store.prepare('SELECT id, name, pushed_at, pulled_at FROM repository WHERE name = ?')
    this.#insert = store.prepare('INSERT INTO repository (name, pushed_at) VALUES (?, ?) RETURNING id')
    this.#pushed = store.prepare('UPDATE repository SET pushed_at = ? WHERE id = ?')
    this.#pulled = store.prepare('UPDATE repository SET pulled_at = ? WHERE name = ?')
    this.#tagPulled = store.prepare(
      'UPDATE tag SET pulled_at = ? WHERE repository_id = (SELECT id FROM repository WHERE name = ?) AND name = ?',
    )
    this.#delete = store.prepare('DELETE FROM repository WHERE id = ?')
    this.#page = store.prepare(
      'SELECT name FROM repository WHERE name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?',
    )
    this.#counts = store.prepare(
      `SELECT (SELECT count(*) FROM tag WHERE repository_id = ?) AS tags,
              (SELECT count(*) FROM manifest WHERE repository_id = ?) AS manifests`,
    )
    this.#usage = store.prepare(usageWhere('r.name >= ? AND r.name < ?'))
    this.#namespaceUsage = store.prepare(usageWhere('(r.name = ? OR r.name >= ? AND r.name < ?)'))
    this.#totals = store.prepare('SELECT coalesce(sum(size), 0) AS bytes, count(*) AS blobs FROM blob')
    this.#names = store.prepare(
      `SELECT DISTINCT CASE instr(name, '/') WHEN 0 THEN name ELSE substr(name, 1, instr(name, '/') - 1) END AS name
       FROM repository`,
    )
  }

  id(name: RepositoryName): number | undefined {
    const row = this.#find.get(name)
    return row === undefined ? undefined : Number(row['id'])
  }

  /** The id; the repository comes to be when there is none. */
  ensure(name: RepositoryName, at: number): number {
    return this.id(name) ?? Number(this.#insert.get(name, at)?.['id'])
  }

  pushed(id: number, at: number): void {
    this.#pushed.run(at, id)
  }

  pulled({ repository, tag, at }: Pull): void {
    this.#pulled.run(at, repository)
    if (tag !== undefined) this.#tagPulled.run(at, repository, tag)
  }

  delete(id: number): void {
    this.#delete.run(id)
  }

  get(name: RepositoryName): RepositoryRecord | undefined {
    const row = this.#find.get(name)
    if (row === undefined) return undefined
    const counts = this.#counts.get(Number(row['id']), Number(row['id']))
    return {
      name,
      tags: Number(counts?.['tags']),
      manifests: Number(counts?.['manifests']),
      size: this.usage(name),
      pushedAt: Number(row['pushed_at']),
      ...optionalTime(row['pulled_at']),
    }
  }

  page({ after = '', limit, prefix = '' }: NamePage & { readonly prefix?: string }): RepositoryName[] {
    return this.#page.all(after, prefix, `${prefix}\u007f`, limit).map(nameOfRow)
  }

  usage(scope: Scope): number {
    const bounds = boundsOf(scope)
    return Number(this.#usage.get(...bounds, ...bounds)?.['bytes'])
  }

  totals(): Totals {
    const row = this.#totals.get()
    const namespaces: Record<string, number> = {}
    for (const namespace of this.#names.all().map(nameOfRow)) namespaces[namespace] = this.#inNamespace(namespace)
    return { bytes: Number(row?.['bytes']), blobs: Number(row?.['blobs']), namespaces }
  }

  /** The repository that has the very name is of the namespace too. */
  #inNamespace(namespace: string): number {
    const parameters = [namespace, ...boundsOf(`${namespace}/*`)]
    return Number(this.#namespaceUsage.get(...parameters, ...parameters)?.['bytes'])
  }
}
