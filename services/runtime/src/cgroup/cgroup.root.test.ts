import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DEFAULT_DEVICE_RULES, devicePolicy } from './device-policy.ts'
import { deviceProgram } from './device-program.ts'
import { freezeCgroup, isCgroupFrozen, thawCgroup } from './freeze.ts'
import { type CgroupHost, prepareCgroupHost } from './host.ts'
import { readCgroupLayout } from './layout.ts'
import { engineCgroupPath, placeCgroup } from './placement.ts'
import { cgroupRecords, placeContainer } from './plan-records.ts'
import { isCgroupEmpty, killCgroup, listCgroupProcesses, removeCgroup, waitCgroupEmpty } from './processes.ts'
import { readCgroupStats } from './stats.ts'
import { updateCgroup } from './update.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root: it makes control groups'
const engine = `test-${process.pid}`
let host: CgroupHost
let child: ChildProcess | undefined

before(async () => {
  if (skip === false) host = await prepareCgroupHost(await readCgroupLayout(), engine)
})
after(async () => {
  child?.kill('SIGKILL')
  if (skip === false) await removeCgroup(placeCgroup(host.layout, engineCgroupPath(engine)))
})

/** Does what the monitor does with the records of a plan. */
function obey(id: string, resources: Parameters<typeof cgroupRecords>[2], pid: number): void {
  const records = cgroupRecords(host, placeContainer(host, id), resources)
  for (const record of records) if (record.type === 'cgroupDir') mkdirSync(record.path)
  for (const record of records) if (record.type === 'cgroupWrite') writeFileSync(record.path, record.value)
  for (const record of records) if (record.type === 'cgroupDir') writeFileSync(`${record.path}/cgroup.procs`, `${pid}`)
  for (const record of records) {
    if (record.type === 'usageFile' || record.type === 'oomFile') assert.ok(existsSync(record.path), record.path)
  }
  child?.stdin?.end()
}

function startSleeper(): number {
  // Forks only once its input ends: after it was put into its groups.
  child = spawn('/bin/sh', ['-c', 'read _; sleep 1000 & sleep 1000 & wait'], { stdio: ['pipe', 'ignore', 'ignore'] })
  return child.pid ?? assert.fail('no child')
}

test('limits, measures, freezes, updates, kills and removes a real group', { skip }, async () => {
  const pid = startSleeper()
  const place = placeContainer(host, 'one')
  obey('one', { memory: { limit: 64 << 20, swap: 128 << 20 }, pids: { limit: 50 }, cpu: { quota: 50_000 } }, pid)
  assert.ok((await listCgroupProcesses(place)).includes(pid))
  assert.equal(await isCgroupEmpty(place), false)

  const before = await readCgroupStats(host, place)
  assert.equal(before.memory?.limit, 64 << 20)
  assert.equal(before.pids?.limit, 50)
  assert.ok((before.pids?.current ?? 0) >= 1)
  assert.ok((before.cpu?.usageNs ?? -1) >= 0)

  await freezeCgroup(place)
  assert.equal(await isCgroupFrozen(place), true)
  assert.equal(await isCgroupEmpty(place), false)
  await thawCgroup(place)
  assert.equal(await isCgroupFrozen(place), false)

  await updateCgroup(host, place, { memory: { limit: 256 << 20, swap: 512 << 20 }, pids: { limit: -1 } })
  const changed = await readCgroupStats(host, place)
  assert.equal(changed.memory?.limit, 256 << 20)
  assert.equal(changed.pids?.limit, undefined)
  await updateCgroup(host, place, { memory: { limit: 32 << 20, swap: 32 << 20 } })
  assert.equal((await readCgroupStats(host, place)).memory?.limit, 32 << 20)

  const ended = once(child ?? assert.fail(), 'exit')
  await killCgroup(place)
  await waitCgroupEmpty(place, AbortSignal.timeout(5000))
  await ended
  await removeCgroup(place)
  await removeCgroup(place)
  assert.deepEqual(await readCgroupStats(host, place), {})
  for (const { directory } of place.v1) assert.equal(existsSync(directory), false)
})

test('kills a frozen group', { skip }, async () => {
  const pid = startSleeper()
  const place = placeContainer(host, 'frozen')
  obey('frozen', {}, pid)
  const ended = once(child ?? assert.fail(), 'exit')
  await freezeCgroup(place)
  await killCgroup(place)
  await waitCgroupEmpty(place, AbortSignal.timeout(5000))
  await ended
  await removeCgroup(place)
})

test('freezes and kills by version 1 alone where there is no other', { skip }, async (t) => {
  const whole = placeContainer(host, 'old')
  const place = { v1: whole.v1 }
  if (!place.v1.some(({ controllers }) => controllers.includes('freezer'))) return t.skip('needs the version 1 freezer')
  await killCgroup(place)
  const pid = startSleeper()
  obey('old', {}, pid)
  const ended = once(child ?? assert.fail(), 'exit')
  await freezeCgroup(place)
  assert.equal(await isCgroupFrozen(place), true)
  await thawCgroup(place)
  assert.equal(await isCgroupFrozen(place), false)
  await killCgroup(place)
  await waitCgroupEmpty(place, AbortSignal.timeout(5000))
  await ended
  await removeCgroup(whole)
})

test('puts the limits back when the kernel refuses one, and names the file', { skip }, async () => {
  const pid = startSleeper()
  const place = placeContainer(host, 'undo')
  obey('undo', { pids: { limit: 50 }, memory: { limit: 64 << 20 } }, pid)
  const bad = { memory: { limit: 128 << 20 }, cpu: { quota: 1 }, pids: { limit: 60 } }
  await assert.rejects(updateCgroup(host, place, bad), { reason: 'CGROUP_UPDATE_REFUSED', message: /cpu/ })
  const stats = await readCgroupStats(host, place)
  assert.equal(stats.memory?.limit, 64 << 20)
  assert.equal(stats.pids?.limit, 50)
  await killCgroup(place)
  await waitCgroupEmpty(place, AbortSignal.timeout(5000))
  await removeCgroup(place)
})

test('refuses to remove a group that holds processes', { skip }, async () => {
  const pid = startSleeper()
  const place = placeContainer(host, 'busy')
  obey('busy', {}, pid)
  await assert.rejects(removeCgroup(place), { reason: 'CGROUP_BUSY' })
  await killCgroup(place)
  await waitCgroupEmpty(place, AbortSignal.timeout(5000))
  await removeCgroup(place)
})

const compiler = spawnSync('cc', ['--version']).status === 0

test('has its device program accepted and obeyed by the kernel', {
  skip: skip || (!compiler && 'needs a C compiler'),
}, (t) => {
  const unified = host.layout.unified?.mount
  if (unified === undefined) return t.skip('needs version 2')
  const folder = mkdtempSync(join(tmpdir(), 'caisson-device-'))
  const group = `${unified}/caisson-${engine}/devices`
  mkdirSync(group)
  t.after(() => rmSync(folder, { recursive: true }))
  const source = new URL('../../native/test/probe/device_probe.c', import.meta.url).pathname
  const built = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', join(folder, 'probe'), source], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, built.stderr)
  const ask = (rules: Parameters<typeof devicePolicy>[0]): string => {
    writeFileSync(join(folder, 'program'), deviceProgram(devicePolicy(rules)))
    const asked = spawnSync(
      join(folder, 'probe'),
      [join(folder, 'program'), group, '/dev/null', '/dev/zero', '/dev/kmsg'],
      {
        encoding: 'utf8',
      },
    )
    assert.equal(asked.status, 0, asked.stderr)
    return asked.stdout
  }
  assert.equal(ask(DEFAULT_DEVICE_RULES), '/dev/null 0\n/dev/zero 0\n/dev/kmsg 1\n')
  assert.equal(ask([{ allow: false }]), '/dev/null 1\n/dev/zero 1\n/dev/kmsg 1\n')
  const butZero = [{ allow: true }, { allow: false, type: 'c', major: 1, minor: 5, access: 'w' } as const]
  assert.equal(ask(butZero), '/dev/null 0\n/dev/zero 1\n/dev/kmsg 0\n')
  rmdirSync(group)
})
