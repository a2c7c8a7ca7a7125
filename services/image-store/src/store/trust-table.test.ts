import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Digest } from '@caisson/oci'
import { Store } from '@caisson/service-kit'
import { migrations } from './migrations.ts'
import { trustTable } from './trust-table.ts'

test('keeps one record a digest, key and identity, until the digest means no image', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-db-'))
  const store = new Store(join(dir, 'test.db'), migrations)
  t.after(() => {
    store[Symbol.dispose]()
    rmSync(dir, { recursive: true })
  })
  const table = trustTable(store)
  const digest = `sha256:${'1'.repeat(64)}` as Digest
  const other = `sha256:${'2'.repeat(64)}` as Digest
  const record = { digest, kind: 'index', key: 'sha256:k', identity: 'a/b', verifiedMs: 7, policy: 'p' } as const
  assert.equal(table.insert(record), true)
  assert.equal(table.insert({ ...record, verifiedMs: 8 }), false)
  assert.equal(table.insert({ ...record, identity: '' }), true)
  assert.deepEqual(table.of([other]), [])
  assert.deepEqual(table.of([other, digest]), [{ ...record, identity: '' }, record])
  assert.equal(table.prune(), 2)
  assert.deepEqual(table.of([digest]), [])
})
