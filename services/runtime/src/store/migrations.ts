import { eventMigrations, type Migration } from '@caisson/service-kit'
import { execMigration } from './execs.ts'
import { volumeMigration } from './volume-table.ts'

/** The schema of runtime.db, step by step. */
export const migrations: readonly Migration[] = [
  ...eventMigrations,
  {
    name: 'containers and the requests that made them',
    sql: `
      CREATE TABLE container (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        -- First id of its range; NULL with the host's ids.
        id_range INTEGER UNIQUE,
        body TEXT NOT NULL
      ) STRICT;
      CREATE TABLE create_request (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        request_id TEXT NOT NULL UNIQUE,
        container_id TEXT NOT NULL,
        -- What was asked, so that the same id with another question is noticed.
        digest TEXT NOT NULL,
        at_ms INTEGER NOT NULL
      ) STRICT;
    `,
  },
  execMigration,
  volumeMigration,
]
