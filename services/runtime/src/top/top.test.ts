import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { now } from '@caisson/api'
import { FakeAccess, someContainer } from '../fake-access.fixture.ts'
import { commandLine, parseProcessStat, parseProcessStatus, terminalName } from './process-files.ts'
import { innerId, listProcesses } from './top.ts'

const STAT =
  '71 (a) b (c) S 70 71 71 34816 71 4194304 100 0 0 0 150 50 0 0 20 0 1 0 1000 9000000 25 18446744073709551615 1 1 0'
const STATUS = 'Name:\ta\nUid:\t100000\t101000\t100000\t100000\nNSpid:\t71\t7\t1\n'

describe('the files of a process', () => {
  test('are read whatever its name is', () => {
    assert.deepEqual(parseProcessStat(STAT), {
      name: 'a) b (c',
      state: 'S',
      ppid: 70,
      ttyNumber: 34_816,
      cpuNs: 2_000_000_000n,
      startedAfterBootNs: 10_000_000_000n,
      residentPages: 25,
    })
    assert.equal(parseProcessStat(''), undefined)
    assert.equal(parseProcessStat('1 (x) S 0'), undefined)
  })

  test('tell effective user and pids', () => {
    assert.deepEqual(parseProcessStatus(STATUS), { uid: 101_000, pids: [71, 7, 1] })
    assert.equal(parseProcessStatus('Name: x'), undefined)
  })

  test('are those of this process too', () => {
    const stat = parseProcessStat(readFileSync('/proc/self/stat', 'utf8'))
    assert.equal(stat?.ppid, process.ppid)
    assert.equal(parseProcessStatus(readFileSync('/proc/self/status', 'utf8'))?.pids[0], process.pid)
  })

  test('name terminals and commands as ps does', () => {
    assert.deepEqual([0, 34_816, 34_819, 35_073, 1_025].map(terminalName), ['?', 'pts/0', 'pts/3', 'pts/257', 'tty1'])
    assert.equal(commandLine('sh\0-c\0a b\0', 'sh'), 'sh -c a b')
    assert.equal(commandLine('', 'kworker'), '[kworker]')
  })

  test('have ids that are mapped back, or the overflow id', () => {
    const range = { start: 100_000, count: 65_536 }
    assert.deepEqual(
      [100_000, 165_535, 165_536, 99_999].map((id) => innerId(id, range)),
      [0, 65_535, 65_534, 65_534],
    )
    assert.equal(innerId(1_000, undefined), 1_000)
  })
})

describe('the processes of a container', () => {
  let proc: string
  let access: FakeAccess
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'caisson-proc-'))
    writeFileSync(join(proc, 'uptime'), '100.00 150.00\n')
    access = new FakeAccess()
    access.add(someContainer('one', { idRange: { start: 100_000, count: 65_536 } }), proc)
  })
  afterEach(() => rmSync(proc, { recursive: true }))

  function add(pid: number, stat: string, status: string, cmdline: string): void {
    mkdirSync(join(proc, String(pid)))
    writeFileSync(join(proc, String(pid), 'stat'), stat)
    writeFileSync(join(proc, String(pid), 'status'), status)
    writeFileSync(join(proc, String(pid), 'cmdline'), cmdline)
  }

  const list = (pids: readonly number[]) =>
    listProcesses({ access, pidsOf: async () => pids, proc, pageBytes: 4_096 }, 'one')

  test('are listed as they are inside, without those that ended meanwhile', async () => {
    add(71, STAT, STATUS, 'sleep\x0010\0')
    const [process, ...others] = await list([71, 72])
    assert.deepEqual(others, [])
    const { startedNs, ...rest } = process ?? assert.fail()
    assert.deepEqual(rest, {
      ...{ pid: 71, ppid: 70, innerPid: 7, uid: 1_000, state: 'S', cpuNs: 2_000_000_000n },
      ...{ residentBytes: 25 * 4_096, command: 'sleep 10', tty: 'pts/0' },
    })
    const age = Number(now() - startedNs) / 1e9
    assert.ok(age > 89 && age < 92, `${age} s`)
  })

  test('are asked for in vain when it does not run', async () => {
    access.add(someContainer('one'), proc, 'exited')
    await assert.rejects(list([]), { reason: 'CONTAINER_NOT_RUNNING' })
  })
})
