import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ballast, type Store } from '@caisson/service-kit'
import type { Backend, Changes } from '../ports.ts'
import { Turns } from '../turns.ts'
import { BlobFiles } from './blob-files.ts'
import { Commits } from './commits.ts'
import { DiskDocuments } from './documents.ts'
import { DiskGarbage } from './garbage.ts'
import { GarbageQueries } from './garbage-queries.ts'
import { LinkTable } from './link-table.ts'
import { ManifestTable } from './manifest-table.ts'
import { DiskRecords } from './records.ts'
import { RepositoryTable } from './repository-table.ts'
import { TagTable } from './tag-table.ts'
import { UploadFiles } from './upload-files.ts'
import { UploadTable } from './upload-table.ts'

export interface DiskBackendDeps {
  /** Folder of blobs and uploads; the registry's own. */
  readonly dir: string
  readonly store: Store
  /** The file that `store` has open. */
  readonly database: string
  readonly changes: Changes
  readonly clock?: () => number
}

/** Opens the backend and removes what a crash left behind. */
export async function openDiskBackend(deps: DiskBackendDeps): Promise<Backend> {
  const { dir, store, database, changes, clock = Date.now } = deps
  const uploadDir = join(dir, 'uploads')
  mkdirSync(uploadDir, { recursive: true, mode: 0o700 })
  const commits = new Commits(store, database, new Ballast(join(dir, 'ballast')))
  const tables = {
    repositories: new RepositoryTable(store),
    links: new LinkTable(store),
    manifests: new ManifestTable(store),
    tags: new TagTable(store),
  }
  const turns = new Turns()
  const common = { ...tables, commits, changes, clock, turns }
  const files = await BlobFiles.open(join(dir, 'blobs'), tables.links)
  const records = new DiskRecords(common)
  const uploads = new UploadFiles({ ...common, dir: uploadDir, table: new UploadTable(store), files, records })
  await files.removeStrays()
  await uploads.removeStrays()
  await uploads.mendRows()
  commits.restock()
  return {
    blobs: files,
    uploads,
    records,
    documents: new DiskDocuments(store, commits),
    garbage: new DiskGarbage({ ...common, queries: new GarbageQueries(store), files }),
    [Symbol.asyncDispose]: () => commits[Symbol.asyncDispose](),
  }
}
