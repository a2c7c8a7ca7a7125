import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const MIB = 1 << 20
const DISK_BYTES = 400 * MIB
const QUOTA = 8 * MIB
const MAKE = {
  ext4: ['mkfs.ext4', '-q', '-F', '-O', 'quota,project'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  plain: ['mkfs.ext4', '-q', '-F'],
} as const

/** A disk of its own at `root`. False: this kernel cannot mount it. */
function mountDisk(kind: keyof typeof MAKE, root: string, options: string): boolean {
  const file = `${root}.img`
  writeFileSync(file, '')
  truncateSync(file, DISK_BYTES)
  const [program, ...args] = MAKE[kind]
  execFileSync(program, [...args, file])
  return spawnSync('mount', ['-o', `loop,${options}`, file, root]).status === 0
}

async function onDisk(
  kind: keyof typeof MAKE,
  options: string,
  work: (root: string) => Promise<void>,
): Promise<string | undefined> {
  const root = mkdtempSync(join(tmpdir(), 'csn-quota-'))
  try {
    if (!mountDisk(kind, root, options)) return `this kernel mounts no ${kind} with ${options}`
    try {
      await work(root)
    } finally {
      execFileSync('umount', ['-l', root])
    }
    return undefined
  } finally {
    rmSync(root, { recursive: true })
    rmSync(`${root}.img`, { force: true })
  }
}

/** What a container does: writes through an overlay. How many bytes were taken, at most `bytes`. */
function write(mount: { lowerDirs: readonly string[]; upperDir: string; workDir: string }, bytes: number): number {
  const merged = mkdtempSync(join(tmpdir(), 'csn-merged-'))
  const options = `lowerdir=${mount.lowerDirs.join(':')},upperdir=${mount.upperDir},workdir=${mount.workDir}`
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', merged])
  let written = 0
  try {
    const block = Buffer.alloc(MIB, 'x')
    for (let number = 0; written < bytes; number++) {
      writeFileSync(join(merged, `file-${number}`), block)
      written += block.length
    }
  } catch (error) {
    // Node has no name for EDQUOT.
    const number = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0
    assert.ok([constants.errno.EDQUOT, constants.errno.ENOSPC].includes(number), String(error))
  } finally {
    execFileSync('umount', [merged])
    rmSync(merged, { recursive: true })
  }
  return written
}

const prepareOf = (store: ImageStoreFixture, key: string, quotaBytes: number) =>
  store.snapshots.prepare({ key, base: { $case: 'image', value: 'a' }, quotaBytes })

for (const kind of ['ext4', 'xfs'] as const)
  test(`limits what snapshots hold on ${kind}`, { skip }, async (t) => {
    const missing = await onDisk(kind, 'prjquota', async (root) => {
      {
        await using store = await ImageStoreFixture.open({ root })
        await store.import(tar([{ path: 'a', content: 'a' }]), { reference: 'a' })
        const limited = await prepareOf(store, 'limited', QUOTA)
        const free = await prepareOf(store, 'free', 0)
        assert.ok(limited.mount && free.mount)
        const written = write(limited.mount, 2 * QUOTA)
        assert.ok(written >= QUOTA - 2 * MIB && written <= QUOTA, `${written} bytes`)
        assert.equal(write(free.mount, 2 * QUOTA), 2 * QUOTA)
        const { bytes } = await store.snapshots.usage({ key: 'limited' })
        assert.ok(bytes >= written && bytes <= QUOTA, `${bytes} bytes`)
        assert.deepEqual((await prepareOf(store, 'limited', QUOTA)).mount, limited.mount)
        await assert.rejects(prepareOf(store, 'limited', QUOTA + 1), { code: 'already-exists' })
        // What a power cut may take comes back limited.
        rmSync(store.dir.snapshot('limited'), { recursive: true })
      }
      await using store = await ImageStoreFixture.open({ root })
      await store.store.quotas.restore(AbortSignal.timeout(30_000))
      const { mount } = await store.snapshots.get({ key: 'limited' })
      assert.ok(mount && existsSync(mount.upperDir))
      assert.ok(write(mount, 2 * QUOTA) <= QUOTA)
      const rows = store.store.rows.quotas
      assert.equal(rows.all().length, 1)
      await store.snapshots.remove({ key: 'limited' })
      await store.store.settled()
      await store.store.quotas.sweep(AbortSignal.timeout(30_000))
      assert.deepEqual(rows.all(), [])
      assert.deepEqual(readdirSync(store.dir.staging), [])
    })
    if (missing !== undefined) t.skip(missing)
  })

test('refuses a quota where none holds, and says what is missing', { skip }, async (t) => {
  const missing = await onDisk('plain', 'rw', async (root) => {
    await using store = await ImageStoreFixture.open({ root })
    await store.import(tar([{ path: 'a', content: 'a' }]), { reference: 'a' })
    const refused = { code: 'failed-precondition', reason: 'QUOTA_UNSUPPORTED', message: /ext4.*prjquota/ }
    await assert.rejects(prepareOf(store, 'limited', QUOTA), refused)
    await assert.rejects(prepareOf(store, 'limited', -1), { code: 'invalid-argument' })
    const view = store.snapshots.view({ key: 'v', base: { $case: 'image', value: 'a' }, quotaBytes: 1 })
    await assert.rejects(view, { reason: 'QUOTA_OF_VIEW' })
    assert.deepEqual(readdirSync(store.dir.snapshots), [])
    assert.deepEqual(store.store.rows.quotas.all(), [])
  })
  if (missing !== undefined) t.skip(missing)
  const memory = mkdtempSync(join(tmpdir(), 'csn-quota-'))
  mkdirSync(join(memory, 'root'))
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(memory, 'root')])
  try {
    await using store = await ImageStoreFixture.open({ root: join(memory, 'root'), config: { diskReserveBytes: 0 } })
    await store.import(tar([{ path: 'a', content: 'a' }]), { reference: 'a' })
    await assert.rejects(prepareOf(store, 'limited', QUOTA), { message: /use ext4 or xfs/ })
  } finally {
    execFileSync('umount', ['-l', join(memory, 'root')])
    rmSync(memory, { recursive: true })
  }
})
