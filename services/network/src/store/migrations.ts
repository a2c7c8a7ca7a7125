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
    name: 'networks that somebody made, and several endpoints a namespace',
    sql: `
      ALTER TABLE network ADD COLUMN range_base INTEGER;
      ALTER TABLE network ADD COLUMN range_prefix_length INTEGER;
      ALTER TABLE network ADD COLUMN auxiliary TEXT;
      ALTER TABLE network ADD COLUMN internal INTEGER;
      ALTER TABLE network ADD COLUMN masquerade INTEGER;
      ALTER TABLE network ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE network ADD COLUMN request_id TEXT;
      ALTER TABLE network ADD COLUMN request TEXT;
      CREATE UNIQUE INDEX network_by_request ON network (request_id);
      UPDATE network SET range_base = subnet_base, range_prefix_length = prefix_length, auxiliary = '{}', internal = 0,
        masquerade = 1 WHERE bridge_name IS NOT NULL;

      CREATE TABLE namespace_2 (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE
      ) STRICT;
      INSERT INTO namespace_2 SELECT number, id FROM namespace;

      CREATE TABLE sandbox_2 (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        mode TEXT NOT NULL,
        labels TEXT NOT NULL,
        namespace_id TEXT REFERENCES namespace_2 (id),
        resolv_conf TEXT NOT NULL,
        hosts TEXT NOT NULL,
        created_at TEXT NOT NULL,
        request TEXT NOT NULL
      ) STRICT;
      INSERT INTO sandbox_2 SELECT id, name, mode, labels, namespace_id, resolv_conf, hosts, created_at, request
        FROM sandbox;

      CREATE TABLE endpoint (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        namespace_id TEXT NOT NULL REFERENCES namespace_2 (id) ON DELETE CASCADE,
        network_id TEXT NOT NULL REFERENCES network (id),
        interface_name TEXT NOT NULL,
        mac BLOB NOT NULL,
        address INTEGER NOT NULL,
        port_name TEXT NOT NULL UNIQUE,
        aliases TEXT NOT NULL,
        gateway_priority INTEGER NOT NULL,
        UNIQUE (network_id, address),
        UNIQUE (namespace_id, network_id)
      ) STRICT;
      INSERT INTO endpoint
        (id, namespace_id, network_id, interface_name, mac, address, port_name, aliases, gateway_priority)
        SELECT endpoint_id, id, network_id, interface_name, mac, address, port_name, '[]', 0
        FROM namespace WHERE network_id IS NOT NULL ORDER BY number;

      DROP TABLE sandbox;
      DROP TABLE namespace;
      ALTER TABLE namespace_2 RENAME TO namespace;
      ALTER TABLE sandbox_2 RENAME TO sandbox;
      CREATE INDEX sandbox_by_namespace ON sandbox (namespace_id);
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
  {
    name: 'what sandboxes are called and whom they ask',
    sql: `
      ALTER TABLE sandbox ADD COLUMN hostname TEXT NOT NULL DEFAULT '';
      ALTER TABLE sandbox ADD COLUMN dns TEXT NOT NULL
        DEFAULT '{"servers":[],"search":[],"options":[],"extraHosts":{}}';
      UPDATE sandbox SET hostname = coalesce(json_extract(request, '$.hostname'), ''),
        dns = coalesce(json_extract(request, '$.dns'), dns)
        WHERE json_valid(request);
    `,
  },
  {
    name: 'limits of bandwidth',
    sql: `
      CREATE TABLE bandwidth (
        sandbox_id TEXT PRIMARY KEY REFERENCES sandbox (id),
        egress INTEGER NOT NULL,
        ingress INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
