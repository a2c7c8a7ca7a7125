import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fromTimestamp, now } from '@caisson/api'
import type { StatsResponse } from '@caisson/api/container'
import { needsRealHost, RealHost } from './real-host.ts'

const skip = needsRealHost()
const MIB = 1 << 20

describe('what real containers use', { skip }, () => {
  let host: RealHost
  before(async () => {
    host = await RealHost.start()
    const limits = { memoryBytes: 64 * MIB, pidsLimit: 50 }
    await host.started('busy', host.script('while :; do :; done', { resources: limits }))
    await host.started('idle', host.script('sleep 1000 & exec su user -c "sleep 2000"'))
  })
  after(async () => {
    await host[Symbol.asyncDispose]()
  })

  async function read(containers: readonly string[]): Promise<StatsResponse['containers']> {
    for await (const response of host.containers.stats({ containers })) return response.containers
    return assert.fail('no reading')
  }

  test('is read once, of all that run or of those that are named', async () => {
    const all = await read([])
    assert.deepEqual(
      all.map(({ name }) => name),
      ['busy', 'idle'],
    )
    const [busy, ...others] = await read(['busy'])
    assert.deepEqual(others, [])
    assert.equal(busy?.memory?.limitBytes, 64 * MIB)
    assert.ok((busy?.memory?.usageBytes ?? 0) > 0)
    assert.equal(busy?.pidsLimit, 50)
    assert.ok((busy?.pids ?? 0) >= 1)
    assert.ok(Math.abs(Number(now() - fromTimestamp(busy?.time)) / 1e9) < 5)
  })

  test('is read again and again, and grows', async () => {
    const readings: StatsResponse['containers'][] = []
    for await (const { containers } of host.containers.stats({ containers: ['busy'], follow: true, intervalMs: 200 })) {
      readings.push(containers)
      if (readings.length === 3) break
    }
    const cpu = readings.map(([busy]) => busy?.cpu ?? assert.fail())
    const [first, last] = [cpu[0] ?? assert.fail(), cpu[2] ?? assert.fail()]
    const share = (last.usageNs - first.usageNs) / (last.hostNs - first.hostNs)
    assert.ok(share > 0.05 && share <= 1.2 / Math.max(1, last.onlineCpus - 1), `${share} of the host`)
  })

  test('ends with the container', async () => {
    await host.started('short', host.spec(['sleep', '0.5']))
    let count = 0
    for await (const _ of host.containers.stats({ containers: ['short'], follow: true, intervalMs: 100 })) count += 1
    assert.ok(count >= 2, `${count} readings`)
  })

  test('and what runs in them is listed with the ids that it has inside', async () => {
    const { processes } = await host.containers.top({ container: 'idle' })
    const found = processes.map(({ innerPid, uid, command }) => `${innerPid} ${uid} ${command}`)
    assert.ok(
      found.some((line) => /^1 (0|1000) /.test(line)),
      found.join('; '),
    )
    assert.ok(
      found.some((line) => /^\d+ 0 sleep 1000$/.test(line)),
      found.join('; '),
    )
    assert.ok(
      found.some((line) => / 1000 .*sleep 2000/.test(line)),
      found.join('; '),
    )
    for (const { startedAt, state, pid } of processes) {
      assert.ok(Math.abs(Number(now() - fromTimestamp(startedAt)) / 1e9) < 60)
      assert.match(state, /^[RSDTZI]$/)
      assert.ok(pid > 1)
    }
  })
})
