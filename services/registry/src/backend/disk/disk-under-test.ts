import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLog, Store } from '@caisson/service-kit'
import { registryEvents } from '../../events.ts'
import { migrations } from '../../store/migrations.ts'
import type { Backend } from '../ports.ts'
import type { BackendUnderTest } from '../ports-suite/under-test.ts'
import { openDiskBackend } from './disk-backend.ts'

/** A disk of its own that can be opened again. */
export class DiskUnderTest implements BackendUnderTest {
  readonly dir = mkdtempSync(join(tmpdir(), 'csn-disk-'))
  now = Date.now()
  #opened: { readonly backend: Backend; readonly store: Store } | undefined

  get backend(): Backend {
    if (this.#opened === undefined) throw new Error('not open')
    return this.#opened.backend
  }

  async open(): Promise<this> {
    const database = join(this.dir, 'registry.db')
    const store = new Store(database, migrations)
    const events = new EventLog(store, { service: 'registry', hostName: 'test', retention: 10_000 })
    const changes = registryEvents(events)
    const backend = await openDiskBackend({ dir: this.dir, store, database, changes, clock: () => this.now })
    this.#opened = { backend, store }
    return this
  }

  async reopen(): Promise<void> {
    await this.#close()
    await this.open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #close(): Promise<void> {
    await this.#opened?.backend[Symbol.asyncDispose]()
    this.#opened?.store[Symbol.dispose]()
  }
}
