import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLogger, Store } from '@caisson/service-kit'
import { Staging } from '../disk/staging.ts'
import { openStateDir } from '../disk/state-dir.ts'
import { Trash } from '../disk/trash.ts'
import { migrations } from '../store/migrations.ts'
import { quotaTable } from '../store/quota-table.ts'
import { snapshotTable } from '../store/snapshot-table.ts'
import type { QuotaState, QuotaTool } from './ports.ts'
import { Quotas } from './quotas.ts'

const FIRST = 1_000
const { signal } = new AbortController()

/** A file system as it counts and limits. */
class FakeDisk implements QuotaTool {
  state: QuotaState = { filesystem: 'ext4', accounts: true, enforces: true }
  readonly inodes = new Map<number, number>()
  readonly limits = new Map<number, number>()
  isBroken = false

  async quotaState() {
    return this.state
  }

  async quotaUsage(_path: string, project: number) {
    return { bytes: 0, inodes: this.inodes.get(project) ?? 0 }
  }

  async setQuota(
    _path: string,
    { project, bytes, names }: { project: number; bytes: number; names: readonly string[] },
  ) {
    if (this.isBroken) throw new Error('broken')
    if (names.length > 0) this.inodes.set(project, names.length)
    if (bytes > 0) this.limits.set(project, bytes)
    else this.limits.delete(project)
  }
}

async function withQuotas(
  work: (parts: {
    quotas: Quotas
    disk: FakeDisk
    make: (key: string) => Promise<number>
    remove: (key: string) => void
  }) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'csn-quota-'))
  const log = createLogger('image-store', 'fatal')
  try {
    const dir = openStateDir(root)
    using db = new Store(dir.database, migrations)
    await using trash = new Trash(dir.trash, { remove: async () => {} }, log)
    const rows = snapshotTable(db)
    const disk = new FakeDisk()
    const staging = new Staging(dir.staging, trash, log)
    const common = { dir, staging, tool: disk, transactions: db, log, table: quotaTable(db) }
    const quotas = new Quotas({ ...common, projects: { first: FIRST, count: 20 } })
    const record = { kind: 'active', base: undefined, parent: '', image: undefined, labels: {}, createdMs: 0 } as const
    const make = async (key: string): Promise<number> => {
      using folder = await quotas.open(4_096, signal)
      renameSync(folder.path, dir.snapshot(key))
      db.transaction(() => {
        rows.insert({ key, ...record })
        quotas.assign(folder.project, key)
      })
      return folder.project
    }
    await work({ quotas, disk, make, remove: (key) => db.transaction(() => rows.delete(key)) })
  } finally {
    rmSync(root, { recursive: true })
  }
}

test('gives every snapshot a project of its own, and none that somebody else uses', () =>
  withQuotas(async ({ quotas, disk, make }) => {
    disk.inodes.set(FIRST + 1, 7)
    assert.deepEqual([await make('a'), await make('b')], [FIRST, FIRST + 2])
    assert.deepEqual([quotas.bytesOf('a'), quotas.bytesOf('none')], [4_096, 0])
    assert.deepEqual(await quotas.usage('a', signal), { bytes: 0, inodes: 2 })
    assert.equal(await quotas.usage('none', signal), undefined)
  }))

test('frees a project when nothing on the disk counts for it any more, and not before', () =>
  withQuotas(async ({ quotas, disk, make, remove }) => {
    const project = await make('a')
    await quotas.sweep(signal)
    assert.equal(disk.limits.get(project), 4_096)
    remove('a')
    await quotas.sweep(signal)
    assert.deepEqual([disk.limits.get(project), await make('b')], [4_096, FIRST + 1])
    disk.inodes.delete(project)
    await quotas.sweep(signal)
    assert.equal(disk.limits.has(project), false)
    assert.equal(await make('c'), project)
  }))

test('keeps a project that is being set up from being freed, and gives it up when that fails', () =>
  withQuotas(async ({ quotas, disk, make }) => {
    {
      using folder = await quotas.open(1, signal)
      disk.inodes.delete(folder.project)
      await quotas.sweep(signal)
      assert.equal(disk.limits.has(folder.project), true)
    }
    await quotas.sweep(signal)
    assert.equal(disk.limits.size, 0)
    disk.isBroken = true
    await assert.rejects(make('a'), /broken/)
    disk.isBroken = false
    await quotas.sweep(signal)
    assert.equal(await make('a'), FIRST)
  }))

test('sets the limits again, all that it can', () =>
  withQuotas(async ({ quotas, disk, make }) => {
    const project = await make('a')
    disk.limits.clear()
    await quotas.restore(signal)
    assert.equal(disk.limits.get(project), 4_096)
    disk.isBroken = true
    await quotas.restore(signal)
  }))

test('says what the disk lacks, and when no number is left', () =>
  withQuotas(async ({ quotas, disk }) => {
    for (const [filesystem, advice] of [
      ['ext4', /ext4.*tune2fs.*prjquota/],
      ['xfs', /xfs.*prjquota/],
      ['other', /use ext4 or xfs/],
    ] as const) {
      disk.state = { filesystem, accounts: filesystem === 'ext4', enforces: false }
      await assert.rejects(quotas.open(1, signal), { reason: 'QUOTA_UNSUPPORTED', message: advice })
    }
    disk.state = { filesystem: 'xfs', accounts: true, enforces: true }
    for (let project = FIRST; project < FIRST + 20; project++) disk.inodes.set(project, 1)
    await assert.rejects(quotas.open(1, signal), { reason: 'QUOTA_PROJECTS' })
    await assert.rejects(quotas.open(1, signal), { reason: 'QUOTA_PROJECTS' })
  }))
