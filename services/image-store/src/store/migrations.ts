import { eventMigrations, type Migration } from '@caisson/service-kit'

/** The schema, one step a release. Times are milliseconds since 1970. */
export const migrations: readonly Migration[] = [
  ...eventMigrations,
  {
    name: 'blobs, layers, images, snapshots and leases',
    sql: `
      CREATE TABLE blob (
        digest TEXT PRIMARY KEY, size INTEGER NOT NULL, created_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE layer (
        chain_id TEXT PRIMARY KEY, diff_id TEXT NOT NULL, parent TEXT NOT NULL,
        bytes INTEGER NOT NULL, entries INTEGER NOT NULL, opaque INTEGER NOT NULL,
        root_mode INTEGER NOT NULL, root_uid INTEGER NOT NULL, root_gid INTEGER NOT NULL,
        created_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX layer_parent ON layer (parent);

      CREATE TABLE image (
        id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, record TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE image_target (
        digest TEXT NOT NULL, image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        PRIMARY KEY (digest, image)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_target_image ON image_target (image);
      CREATE TABLE image_blob (
        digest TEXT NOT NULL, image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        PRIMARY KEY (digest, image)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_blob_image ON image_blob (image);
      CREATE TABLE image_layer (
        chain_id TEXT NOT NULL, image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        PRIMARY KEY (chain_id, image)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_layer_image ON image_layer (image);
      CREATE TABLE image_name (
        name TEXT PRIMARY KEY, target TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_name_target ON image_name (target);

      CREATE TABLE snapshot (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, base TEXT NOT NULL, parent TEXT NOT NULL, image TEXT NOT NULL,
        labels TEXT NOT NULL, created_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX snapshot_image ON snapshot (image);
      CREATE INDEX snapshot_parent ON snapshot (parent) WHERE parent <> '';

      CREATE TABLE lease (
        id TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL, labels TEXT NOT NULL, created_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE lease_resource (
        resource TEXT NOT NULL, lease TEXT NOT NULL REFERENCES lease (id) ON DELETE CASCADE,
        PRIMARY KEY (resource, lease)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX lease_resource_lease ON lease_resource (lease);
    `,
  },
  {
    name: 'where registries have images and blobs',
    sql: `
      CREATE TABLE image_source (
        image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE, digest TEXT NOT NULL, repository TEXT NOT NULL,
        PRIMARY KEY (image, repository, digest)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE blob_origin (
        digest TEXT NOT NULL, registry TEXT NOT NULL, repository TEXT NOT NULL, seen_ms INTEGER NOT NULL,
        PRIMARY KEY (digest, registry, repository)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX blob_origin_seen ON blob_origin (seen_ms);
    `,
  },
  {
    name: 'signatures that were found right',
    sql: `
      CREATE TABLE trust (
        digest TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, identity TEXT NOT NULL,
        verified_ms INTEGER NOT NULL, policy TEXT NOT NULL,
        PRIMARY KEY (digest, key, identity)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'images by their age',
    sql: 'CREATE INDEX image_age ON image (created_ms DESC, id);',
  },
  {
    name: 'blobs of committed snapshots',
    sql: `
      CREATE TABLE committed_layer (
        snapshot TEXT PRIMARY KEY REFERENCES snapshot (key) ON DELETE CASCADE,
        digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX committed_layer_digest ON committed_layer (digest);
    `,
  },
  {
    name: 'what leases keep, and when images were last used',
    sql: `
      CREATE TABLE lease_content (
        digest TEXT NOT NULL, lease TEXT NOT NULL REFERENCES lease (id) ON DELETE CASCADE,
        PRIMARY KEY (digest, lease)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX lease_content_lease ON lease_content (lease);

      CREATE TABLE image_use (
        image TEXT PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE, used_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'projects that limit snapshots',
    sql: `
      CREATE TABLE quota (
        project INTEGER PRIMARY KEY, bytes INTEGER NOT NULL,
        snapshot TEXT UNIQUE REFERENCES snapshot (key) ON DELETE SET NULL
      ) STRICT;
    `,
  },
]
