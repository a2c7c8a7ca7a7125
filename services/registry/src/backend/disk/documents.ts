import { randomBytes } from 'node:crypto'
import { CaissonError, invalid } from '@caisson/api'
import type { Store } from '@caisson/service-kit'
import type { Collection, Document, Documents, Expected, NamePage } from '../ports.ts'
import type { Commits } from './commits.ts'
import type { Row } from './rows.ts'

const MOST_BYTES = 1 << 20

/** Documents in SQLite. */
export class DiskDocuments implements Documents {
  readonly #commits: Commits
  readonly #get
  readonly #put
  readonly #delete
  readonly #list

  constructor(store: Store, commits: Commits) {
    this.#commits = commits
    this.#get = store.prepare('SELECT value, version FROM document WHERE collection = ? AND key = ?')
    this.#put = store.prepare(
      `INSERT INTO document (collection, key, value, version) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version`,
    )
    this.#delete = store.prepare('DELETE FROM document WHERE collection = ? AND key = ?')
    this.#list = store.prepare(
      `SELECT key, value, version FROM document WHERE collection = ? AND key > ? AND substr(key, 1, ?) = ?
       ORDER BY key LIMIT ?`,
    )
  }

  async get(collection: Collection, key: string): Promise<Document | undefined> {
    const row = this.#get.get(collection, key)
    return row && documentOfRow(row)
  }

  async put(collection: Collection, key: string, value: unknown, expected: Expected): Promise<string> {
    const text = JSON.stringify(value)
    if (Buffer.byteLength(text) > MOST_BYTES) throw invalid(`the document ${collection}/${key} is larger than 1 MiB`)
    const version = randomBytes(9).toString('base64url')
    await this.#commits.run(() => {
      this.#expect(collection, key, expected)
      this.#put.run(collection, key, text, version)
    })
    return version
  }

  async delete(collection: Collection, key: string, expected: Expected): Promise<boolean> {
    return await this.#commits.remove(() => {
      if (this.#get.get(collection, key) === undefined && typeof expected !== 'object') return false
      this.#expect(collection, key, expected)
      return this.#delete.run(collection, key).changes > 0
    })
  }

  async list(collection: Collection, page: NamePage & { readonly prefix?: string }) {
    const { after = '', limit, prefix = '' } = page
    const rows = this.#list.all(collection, after, [...prefix].length, prefix, limit)
    return rows.map((row) => ({ key: String(row['key']), ...documentOfRow(row) }))
  }

  #expect(collection: Collection, key: string, expected: Expected): void {
    if (expected === 'any') return
    const found = this.#get.get(collection, key)?.['version']
    if (found === (expected === 'absent' ? undefined : expected.version)) return
    throw new CaissonError('aborted', `the document ${collection}/${key} was changed meanwhile: read it again`, {
      reason: 'DOCUMENT_CHANGED',
      details: { collection, key },
    })
  }
}

const documentOfRow = (row: Row): Document => ({
  value: JSON.parse(String(row['value'])) as unknown,
  version: String(row['version']),
})
