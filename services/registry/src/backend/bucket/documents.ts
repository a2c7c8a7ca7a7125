import { createHash, randomBytes } from 'node:crypto'
import { CaissonError, invalid } from '@caisson/api'
import type { Collection, Document, Documents, Expected, NamePage } from '../ports.ts'
import { type Cells, KEEP, REMOVE } from './cells.ts'

interface DocumentValue extends Document {
  readonly key: string
}

const MOST_BYTES = 1 << 20

/** Documents as objects. A key may be longer than S3 allows: its digest names the object. */
export class DocumentObjects implements Documents {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  async get(collection: Collection, key: string): Promise<Document | undefined> {
    const cell = await this.#cells.read<DocumentValue>(objectKey(collection, key))
    return cell && documentOf(cell.value)
  }

  async put(collection: Collection, key: string, value: unknown, expected: Expected): Promise<string> {
    if (Buffer.byteLength(JSON.stringify(value)) > MOST_BYTES)
      throw invalid(`the document ${collection}/${key} is larger than 1 MiB`)
    const version = randomBytes(9).toString('base64url')
    await this.#cells.update<DocumentValue>(objectKey(collection, key), (now) => {
      expect(collection, key, now, expected)
      return { key, value, version }
    })
    return version
  }

  async delete(collection: Collection, key: string, expected: Expected): Promise<boolean> {
    let was = false
    await this.#cells.update<DocumentValue>(objectKey(collection, key), (now) => {
      was = now !== undefined
      if (!was && typeof expected !== 'object') return KEEP
      expect(collection, key, now, expected)
      return REMOVE
    })
    return was
  }

  async list(
    collection: Collection,
    { after, limit, prefix = '' }: NamePage & { readonly prefix?: string },
  ): Promise<(Document & { readonly key: string })[]> {
    const found: (Document & { readonly key: string })[] = []
    const listed = this.#cells.objects.list(`documents/${collection}/`)
    for await (const { value } of this.#cells.values<DocumentValue>(listed))
      if (value.key.startsWith(prefix) && (after === undefined || value.key > after))
        found.push({ key: value.key, ...documentOf(value) })
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }
}

function objectKey(collection: Collection, key: string): string {
  return `documents/${collection}/${createHash('sha256').update(key).digest('hex')}`
}

const documentOf = ({ value, version }: DocumentValue): Document => ({ value, version })

function expect(collection: Collection, key: string, now: Document | undefined, expected: Expected): void {
  if (expected === 'any') return
  if (now?.version === (expected === 'absent' ? undefined : expected.version)) return
  throw new CaissonError('aborted', `the document ${collection}/${key} was changed meanwhile: read it again`, {
    reason: 'DOCUMENT_CHANGED',
    details: { collection, key },
  })
}
