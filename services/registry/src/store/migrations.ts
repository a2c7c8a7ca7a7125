import { eventMigrations, type Migration } from '@caisson/service-kit'

/** Times are milliseconds since 1970, digests and names text, annotations and documents JSON. */
export const migrations: readonly Migration[] = [
  ...eventMigrations,
  {
    name: 'repositories, blobs, manifests, tags, uploads and documents',
    sql: `
      CREATE TABLE repository (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        pushed_at INTEGER NOT NULL,
        pulled_at INTEGER
      ) STRICT;

      CREATE TABLE blob (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE blob_link (
        repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        blob_id INTEGER NOT NULL REFERENCES blob (id),
        touched_at INTEGER NOT NULL,
        PRIMARY KEY (repository_id, blob_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX blob_link_of_blob ON blob_link (blob_id);

      CREATE TABLE manifest (
        id INTEGER PRIMARY KEY,
        repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        media_type TEXT NOT NULL,
        size INTEGER NOT NULL,
        subject TEXT,
        artifact_type TEXT,
        annotations TEXT NOT NULL,
        pushed_at INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (repository_id, digest)
      ) STRICT;
      CREATE INDEX manifest_of_subject ON manifest (repository_id, subject, digest) WHERE subject IS NOT NULL;

      CREATE TABLE manifest_blob (
        manifest_id INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        PRIMARY KEY (manifest_id, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX manifest_blob_of_blob ON manifest_blob (digest);

      CREATE TABLE manifest_child (
        manifest_id INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        PRIMARY KEY (manifest_id, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX manifest_child_of_child ON manifest_child (digest);

      CREATE TABLE tag (
        repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        manifest_id INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
        pushed_at INTEGER NOT NULL,
        pulled_at INTEGER,
        PRIMARY KEY (repository_id, name)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tag_of_manifest ON tag (manifest_id);

      CREATE TABLE upload (
        id TEXT PRIMARY KEY,
        repository TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        offset INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        touched_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE document (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (collection, key)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'how far those came who follow the event log',
    sql: `
      CREATE TABLE bookmark (
        name TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        notes TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
