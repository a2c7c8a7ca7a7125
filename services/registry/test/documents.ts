import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLog, Store } from '@caisson/service-kit'
import { openDiskBackend } from '../src/backend/disk/disk-backend.ts'
import type { Documents } from '../src/backend/ports.ts'
import { registryEvents } from '../src/events.ts'
import { migrations } from '../src/store/migrations.ts'

/** Documents on a real disk, removed at the end. */
export async function openDocuments(): Promise<
  AsyncDisposable & { readonly documents: Documents; readonly dir: string }
> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'csn-reg-documents-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const database = join(dir, 'registry.db')
  const store = stack.use(new Store(database, migrations))
  const events = new EventLog(store, { service: 'registry', hostName: 'test', retention: 1_000 })
  const { documents } = stack.use(await openDiskBackend({ dir, store, database, changes: registryEvents(events) }))
  const owned = stack.move()
  return { documents, dir, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
