import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Sandbox } from '../container/container.ts'
import { FakeAccess, someContainer, someExit } from '../fake-access.fixture.ts'
import { countCpus, parseHostCpu } from './host-cpu.ts'
import { followStats, readStats, type StatsDeps } from './stats.ts'

const live = new AbortController().signal
const usage = {
  cpu: { usageNs: 5, userNs: 3, systemNs: 2, periods: 0, throttledPeriods: 0, throttledNs: 0 },
  pids: { current: 2 },
}

function sandbox(id: string, mode: Sandbox['mode']): Sandbox {
  return { id, mode, namespacePath: '', endpoints: [], resolvConf: '', hosts: '', createdNs: 0n }
}

function traffic(sandboxId: string) {
  const counters = { rxBytes: 1, rxPackets: 1, rxErrors: 0, rxDropped: 0, txBytes: 2, txPackets: 1, txErrors: 0 }
  return { sandboxId, interfaceName: 'eth0', networkId: 'network-1', networkName: 'bridge', ...counters, txDropped: 0 }
}

describe('stats', () => {
  let proc: string
  let access: FakeAccess
  let missing: string[]
  let asked: string[][]
  let deps: StatsDeps
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'caisson-stats-'))
    writeFileSync(join(proc, 'stat'), 'cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 1 1 1\n')
    access = new FakeAccess()
    access.add(someContainer('one', { sandbox: sandbox('sandbox-1', 'bridge') }), proc)
    access.add(someContainer('two', { sandbox: sandbox('sandbox-2', 'host') }), proc)
    access.add(someContainer('three', { state: 'exited' }), proc)
    missing = []
    asked = []
    deps = {
      access,
      proc,
      usageOf: async () => usage,
      trafficOf: async (ids) => {
        asked.push([...ids])
        return ids.map(traffic)
      },
      onMissing: (part) => missing.push(part),
    }
  })
  afterEach(() => rmSync(proc, { recursive: true }))

  test('are read of those that run', async () => {
    const readings = await readStats(deps, [], live)
    assert.deepEqual(
      readings.map(({ container }) => container.name),
      ['one', 'two'],
    )
    assert.deepEqual(asked, [['sandbox-1']])
    assert.deepEqual(readings[0]?.traffic, [traffic('sandbox-1')])
    assert.deepEqual(readings[1]?.traffic, [])
    assert.equal(readings[0]?.hostCpuNs, 1_000 * 10_000_000)
    assert.deepEqual(readings[0]?.usage, usage)
    assert.deepEqual(await readStats(deps, ['three'], live), [])
    await assert.rejects(readStats(deps, ['four'], live), { code: 'not-found' })
  })

  test('do without the network when its service does not answer', async () => {
    const readings = await readStats({ ...deps, trafficOf: () => Promise.reject(new Error('gone')) }, ['one'], live)
    assert.deepEqual(readings[0]?.traffic, [])
    assert.deepEqual(missing, ['network'])
  })

  test('are followed until the containers ended', async () => {
    let count = 0
    for await (const readings of followStats(deps, ['one'], 10, live)) {
      assert.equal(readings.length, 1)
      if (++count === 3) access.exit(readings[0]?.container.id ?? '', someExit(0))
    }
    assert.equal(count, 3)
  })

  test('are followed until the call ends when nobody was named', async () => {
    const call = new AbortController()
    const follow = async (): Promise<void> => {
      for await (const readings of followStats(deps, [], 10, call.signal))
        if (readings.length === 2) setTimeout(() => call.abort(new Error('gone')), 5)
    }
    await assert.rejects(follow(), { name: 'AbortError' })
  })

  test('count processors', () => {
    assert.deepEqual(['', '0', '0-2,4', '1,1', '3-1'].map(countCpus), [0, 1, 4, 1, 0])
    assert.equal(parseHostCpu(''), 0)
  })
})
