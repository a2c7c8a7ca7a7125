import type { Store } from '@caisson/service-kit'

/** What is remembered of this host, by name. */
export class HostSettings {
  readonly #read
  readonly #write

  constructor(store: Store) {
    this.#read = store.prepare('SELECT value FROM host_setting WHERE name = ?')
    this.#write = store.prepare(
      'INSERT INTO host_setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    )
  }

  get(name: string): string | undefined {
    const value = this.#read.get(name)?.['value']
    return typeof value === 'string' ? value : undefined
  }

  set(name: string, value: string): void {
    if (value !== this.get(name)) this.#write.run(name, value)
  }
}
