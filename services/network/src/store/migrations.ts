import { eventMigrations, type Migration } from '@caisson/service-kit'

/** Addresses are numbers of 32 bits, times nanoseconds since 1970 as text, lists and maps JSON. */
export const migrations: readonly Migration[] = [
  ...eventMigrations,
  {
    name: 'networks, namespaces and sandboxes',
    sql: `
      CREATE TABLE network (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        driver TEXT NOT NULL,
        builtin INTEGER NOT NULL,
        labels TEXT NOT NULL,
        created_at TEXT NOT NULL,
        bridge_name TEXT UNIQUE,
        subnet_base INTEGER,
        prefix_length INTEGER,
        gateway INTEGER,
        mtu INTEGER,
        isolated INTEGER
      ) STRICT;

      CREATE TABLE namespace (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        network_id TEXT REFERENCES network (id),
        endpoint_id TEXT UNIQUE,
        interface_name TEXT,
        mac BLOB,
        address INTEGER,
        port_name TEXT UNIQUE,
        UNIQUE (network_id, address)
      ) STRICT;

      CREATE TABLE sandbox (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        mode TEXT NOT NULL,
        labels TEXT NOT NULL,
        namespace_id TEXT REFERENCES namespace (id),
        resolv_conf TEXT NOT NULL,
        hosts TEXT NOT NULL,
        created_at TEXT NOT NULL,
        request TEXT NOT NULL
      ) STRICT;
      CREATE INDEX sandbox_by_namespace ON sandbox (namespace_id);

      CREATE TABLE host_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'published ports',
    sql: `
      CREATE TABLE published_port (
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id),
        position INTEGER NOT NULL,
        address INTEGER NOT NULL,
        port_name TEXT NOT NULL,
        transport TEXT NOT NULL,
        host_address INTEGER,
        host_port INTEGER NOT NULL,
        container_port INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (sandbox_id, position)
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
