import type { Migration, Store } from '@caisson/service-kit'
import type { Volume, VolumeDriver, VolumeUse } from '../volumes/volume.ts'

/** The schema of volumes; behind the migration that makes the table of containers. */
export const volumeMigration: Migration = {
  name: 'volumes and who uses them',
  sql: `
    CREATE TABLE volume (
      name TEXT PRIMARY KEY,
      driver TEXT NOT NULL,
      anonymous INTEGER NOT NULL,
      -- The request that made it, for its retries.
      request_id TEXT UNIQUE,
      body TEXT NOT NULL
    ) STRICT;
    -- A volume that is used cannot be removed; a container that is removed uses none.
    CREATE TABLE volume_use (
      volume TEXT NOT NULL REFERENCES volume (name),
      container_id TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
      read_only INTEGER NOT NULL,
      PRIMARY KEY (volume, container_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX volume_use_container ON volume_use (container_id);
  `,
}

type Row = Readonly<Record<string, unknown>>

/** The tables of volumes. Synchronous; callers put writes into their transactions. */
export class VolumeTable {
  readonly #insert
  readonly #delete
  readonly #byName
  readonly #byRequest
  readonly #after
  readonly #names
  readonly #use
  readonly #uses
  readonly #orphans

  constructor(store: Store) {
    this.#insert = store.prepare(
      'INSERT INTO volume (name, driver, anonymous, request_id, body) VALUES (?, ?, ?, ?, ?)',
    )
    this.#delete = store.prepare('DELETE FROM volume WHERE name = ?')
    this.#byName = store.prepare('SELECT * FROM volume WHERE name = ?')
    this.#byRequest = store.prepare('SELECT * FROM volume WHERE request_id = ?')
    this.#after = store.prepare('SELECT * FROM volume WHERE name > ? ORDER BY name LIMIT ?')
    this.#names = store.prepare('SELECT name FROM volume')
    this.#use = store.prepare(
      `INSERT INTO volume_use (volume, container_id, read_only) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET read_only = min(read_only, excluded.read_only)`,
    )
    this.#uses = store.prepare('SELECT container_id, read_only FROM volume_use WHERE volume = ?')
    this.#orphans = store.prepare(
      `SELECT v.* FROM volume_use u JOIN volume v ON v.name = u.volume WHERE u.container_id = ? AND v.anonymous = 1
       AND NOT EXISTS (SELECT 1 FROM volume_use o WHERE o.volume = v.name AND o.container_id <> u.container_id)`,
    )
  }

  /** Throws SQLITE_CONSTRAINT when the name is taken. `requestId` may be ''. */
  insert(volume: Volume, requestId: string): void {
    const { name, driver, anonymous, createdNs, ...rest } = volume
    const body = JSON.stringify({ ...rest, createdNs: String(createdNs) })
    this.#insert.run(name, driver, anonymous ? 1 : 0, requestId || null, body)
  }

  /** Throws SQLITE_CONSTRAINT while a container uses it. */
  delete(name: string): void {
    this.#delete.run(name)
  }

  get(name: string): Volume | undefined {
    return optional(this.#byName.get(name))
  }

  getByRequest(requestId: string): Volume | undefined {
    return optional(this.#byRequest.get(requestId))
  }

  /** Volumes behind a name, by name. */
  listAfter(name: string, limit: number): Volume[] {
    return this.#after.all(name, limit).map(toVolume)
  }

  names(): Set<string> {
    return new Set(this.#names.all().map((row) => String(row['name'])))
  }

  /** Says that a container uses a volume. With several mounts of one volume it may write when one of them may. */
  addUse(name: string, { containerId, readOnly }: VolumeUse): void {
    this.#use.run(name, containerId, readOnly ? 1 : 0)
  }

  usesOf(name: string): VolumeUse[] {
    return this.#uses
      .all(name)
      .map((row) => ({ containerId: String(row['container_id']), readOnly: row['read_only'] === 1 }))
  }

  /** Anonymous volumes that only this container uses. */
  anonymousOf(containerId: string): Volume[] {
    return this.#orphans.all(containerId).map(toVolume)
  }
}

function optional(row: Row | undefined): Volume | undefined {
  return row && toVolume(row)
}

function toVolume(row: Row): Volume {
  const body = JSON.parse(String(row['body'])) as Omit<Volume, 'createdNs'> & { readonly createdNs: string }
  return {
    ...body,
    name: String(row['name']),
    driver: row['driver'] as VolumeDriver,
    anonymous: row['anonymous'] === 1,
    createdNs: BigInt(body.createdNs),
  }
}
