import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '@caisson/api'
import { FakeMonitor } from '../monitor/fake-monitor.fixture.ts'
import type { LogEntry } from './entry.ts'
import { LOG_STREAM } from './log-format.ts'
import { WHOLE_LOG } from './log-query.ts'
import { logDirectory, openMonitorFeed } from './monitor-feed.ts'
import { LOG_START } from './position.ts'
import { type FollowFrom, followLog } from './read-log.ts'
import { encodeLogRecord } from './segment-writer.fixture.ts'

const textOf = (entries: readonly LogEntry[]): string =>
  Buffer.concat(entries.flatMap((entry) => (entry.kind === 'chunk' ? [entry.data] : []))).toString()

describe('following a log', () => {
  let stateDir: string
  let monitor: FakeMonitor
  let call: AbortController
  beforeEach(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'caisson-follow-'))
    monitor = await FakeMonitor.listen(stateDir)
    call = new AbortController()
  })
  afterEach(async () => {
    call.abort()
    await monitor[Symbol.asyncDispose]()
    rmSync(stateDir, { recursive: true })
  })

  /** Follows in the background. */
  function follow(from: FollowFrom = WHOLE_LOG, pin = false) {
    const entries: LogEntry[] = []
    const run = async (): Promise<LogEntry[]> => {
      using feed = await openMonitorFeed(stateDir, { pin })
      for await (const page of followLog(logDirectory(stateDir), from, feed, call.signal)) entries.push(...page)
      return entries
    }
    return { entries, done: run() }
  }

  async function eventually(condition: () => boolean): Promise<void> {
    for (let tries = 0; tries < 500 && !condition(); tries += 1) await sleep(5)
    assert.ok(condition())
  }

  test('gives what was written, what is written, and ends with the exit record', async () => {
    monitor.write('before\n')
    const { entries, done } = follow()
    await eventually(() => textOf(entries) === 'before\n')
    monitor.write('after\n')
    await eventually(() => textOf(entries) === 'before\nafter\n')
    monitor.log.out('last words')
    await monitor.exit(0)
    assert.equal(textOf(await done), 'before\nafter\nlast words')
  })

  test('of a container that ended needs no monitor', async () => {
    monitor.write('done\n')
    await monitor.exit(3)
    assert.equal(textOf(await follow().done), 'done\n')
  })

  test('begins at a place or with the last lines', async () => {
    monitor.write('one\ntwo\n')
    const place = monitor.log.end
    const tail = follow({ ...WHOLE_LOG, tail: 1 })
    const behind = follow({ position: place })
    await eventually(() => textOf(tail.entries) === 'two\n')
    monitor.write('three\n')
    await monitor.exit(0)
    assert.equal(textOf(await tail.done), 'two\nthree\n')
    assert.equal(textOf(await behind.done), 'three\n')
  })

  test('reads nothing that the monitor has not told of', async () => {
    monitor.write('whole\n')
    const { entries, done } = follow()
    await eventually(() => textOf(entries) === 'whole\n')
    const record = encodeLogRecord(LOG_STREAM.stdout, 1n, Buffer.from('slow\n'))
    monitor.log.raw(record.subarray(0, 10))
    await sleep(20)
    monitor.log.raw(record.subarray(10))
    await monitor.exit(0)
    const all = await done
    assert.equal(textOf(all), 'whole\nslow\n')
    assert.ok(all.every((entry) => entry.kind === 'chunk'))
  })

  test('loses nothing when segments rotate, and lets a pinned one know what it is done with', async () => {
    const { entries, done } = follow({ position: LOG_START }, true)
    await monitor.until(() => monitor.connections[0]?.pinned === true)
    for (let round = 0; round < 30; round += 1) {
      monitor.write(`${round}\n`)
      if (round % 3 !== 2) continue
      const full = monitor.log.end.segment
      await monitor.until(() => monitor.connections[0]?.acked === full)
      monitor.log.rotate(2)
    }
    await monitor.exit(0)
    await done
    assert.equal(textOf(entries), Array.from({ length: 30 }, (_, index) => `${index}\n`).join(''))
    assert.ok(entries.every((entry) => entry.kind === 'chunk'))
  })

  test('goes on when the connection breaks', async () => {
    const { entries, done } = follow()
    monitor.write('one\n')
    await eventually(() => textOf(entries) === 'one\n')
    monitor.hangUp()
    monitor.write('two\n')
    await eventually(() => textOf(entries) === 'one\ntwo\n')
    await monitor.exit(0)
    assert.equal(textOf(await done), 'one\ntwo\n')
  })

  test('ends when the monitor was killed, with everything that is in the log', async () => {
    const { entries, done } = follow()
    monitor.write('one\n')
    await eventually(() => textOf(entries) === 'one\n')
    monitor.log.out('two\n')
    await monitor[Symbol.asyncDispose]()
    assert.equal(textOf(await done), 'one\ntwo\n')
  })

  test('ends when its time has come', async () => {
    const { done } = follow({ ...WHOLE_LOG, untilNs: now() + 150_000_000n })
    monitor.log.out('in time\n', now())
    monitor.tell()
    assert.equal(textOf(await done), 'in time\n')
  })

  test('ends with its call', async () => {
    const { done } = follow()
    await monitor.until(() => monitor.connections.length > 0)
    call.abort(new Error('gone'))
    await assert.rejects(done, /gone/)
    await monitor.until(() => monitor.connections.every((connection) => connection.closed))
  })

  test('is held up by a slow reader, and takes no memory for it', async () => {
    for (let piece = 0; piece < 64; piece += 1) monitor.log.out(Buffer.alloc(65_536, 'x'))
    using feed = await openMonitorFeed(stateDir, { pin: false })
    const pages = followLog(logDirectory(stateDir), WHOLE_LOG, feed, call.signal)
    const first = await pages.next()
    assert.ok(!first.done)
    const bytes = first.value.reduce((sum, entry) => sum + (entry.kind === 'chunk' ? entry.data.length : 0), 0)
    assert.ok(bytes <= 128 << 10, `${bytes} bytes`)
    await pages.return(undefined)
  })
})
