import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Store } from '@caisson/service-kit'
import { migrations } from './migrations.ts'
import { NetworkStore } from './network-store.ts'

const LATER = 'networks that somebody made, and several endpoints a namespace'

test('a database of before has its networks, namespaces and sandboxes afterwards', () => {
  const root = mkdtempSync(join(tmpdir(), 'caisson-migrations-'))
  const file = join(root, 'network.db')
  const before = migrations.slice(
    0,
    migrations.findIndex(({ name }) => name === LATER),
  )
  const old = new Store(file, before)
  old
    .prepare(
      `INSERT INTO network VALUES ('n1', 'bridge', 'bridge', 1, '{}', '7', 'csn0', 167772160, 24, 167772161, 1500, 0)`,
    )
    .run()
  old
    .prepare(
      `INSERT INTO network (id, name, driver, builtin, labels, created_at) VALUES ('n2', 'none', 'none', 1, '{}', '8')`,
    )
    .run()
  old.prepare(`INSERT INTO namespace VALUES (3, 'wired', 'n1', 'e1', 'eth0', x'024200000001', 167772162, 'csp0')`).run()
  old.prepare(`INSERT INTO namespace (number, id) VALUES (4, 'bare')`).run()
  old.prepare(`INSERT INTO sandbox VALUES ('s1', 'web', 'bridge', '{}', 'wired', 'r', 'h', '9', '{}')`).run()
  const dns = { servers: ['9.9.9.9'], search: [], options: [], extraHosts: { db: '10.1.2.3' } }
  old
    .prepare(`INSERT INTO sandbox VALUES ('s2', 'db', 'none', '{}', 'bare', 'r', 'h', '9', ?)`)
    .run(JSON.stringify({ hostname: 'db.lan', dns }))
  old[Symbol.dispose]()

  using database = new Store(file, migrations)
  const store = new NetworkStore(database)
  const subnet = { base: 0x0a000000, prefixLength: 24 }
  assert.deepEqual(store.networks().find(({ id }) => id === 'n1')?.bridge, {
    name: 'csn0',
    subnet,
    gateway: 0x0a000001,
    range: subnet,
    auxiliary: {},
    mtu: 1500,
    isolated: false,
    internal: false,
    masquerade: true,
  })
  assert.equal(store.networks().find(({ id }) => id === 'n2')?.bridge, undefined)
  const endpoint = {
    id: 'e1',
    networkId: 'n1',
    interfaceName: 'eth0',
    mac: Uint8Array.of(2, 0x42, 0, 0, 0, 1),
    address: 0x0a000002,
    portName: 'csp0',
    aliases: [],
    gatewayPriority: 0,
  }
  assert.deepEqual(store.namespaces(), [
    { id: 'wired', endpoints: [endpoint] },
    { id: 'bare', endpoints: [] },
  ])
  assert.deepEqual(store.sandbox('s1')?.namespace, { id: 'wired', endpoints: [endpoint] })
  store.deleteSandbox('s1')
  store.deleteNamespace('wired')
  store.deleteNetwork('n1')
  assert.deepEqual(
    store.networks().map(({ id }) => id),
    ['n2'],
  )
  const { hostname, dns: kept } = store.sandbox('s2') ?? {}
  assert.deepEqual({ hostname, dns: kept }, { hostname: 'db.lan', dns })
  rmSync(root, { recursive: true })
})
