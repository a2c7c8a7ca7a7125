import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Store } from '../store/store.ts'
import { EventLog } from './event-log.ts'
import { eventMigrations } from './store.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-log-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const open = (store: Store, bootId: string): EventLog =>
  new EventLog(store, { service: 'test', hostName: 'host', retention: 1_000, bootId })

test('a reader at the end of the log goes on behind the numbers that a reboot leaves out', async () => {
  using store = new Store(join(dir, 'log.db'), eventMigrations)
  const before = open(store, 'boot 1')
  before.append({ type: 'thing.made', subject: { kind: 'thing', id: '1' } })
  const at = before.last
  const log = open(store, 'boot 2')
  assert.equal(log.behind(at), 0)
  const page = log.read({ log: log.name, sequence: at }, 10)
  assert.deepEqual([page.events, page.gap?.reason, page.last], [[], 'reboot', log.last])
  const next = log.read({ log: log.name, sequence: page.last }, 10)
  assert.deepEqual([next.events, next.gap, next.last], [[], undefined, log.last])
  const grown = log.grown(next.last, AbortSignal.timeout(5_000))
  log.append({ type: 'thing.made', subject: { kind: 'thing', id: '2' } })
  await grown
  assert.equal(log.read({ log: log.name, sequence: next.last }, 10).events.length, 1)
  assert.equal(log.behind(at), 1)
  assert.equal(log.behind(0), 2)
  assert.equal(log.behind(log.last), 0)
})

test('a transaction that is undone leaves no gap in the log', () => {
  using store = new Store(join(dir, 'undone.db'), eventMigrations)
  const log = open(store, 'boot 1')
  const happen = (id: string): void => log.append({ type: 'thing.happened', subject: { kind: 'thing', id } })
  happen('one')
  assert.throws(
    () =>
      store.transaction(() => {
        happen('undone')
        happen('undone too')
        throw new Error('the disk is full')
      }),
    /full/,
  )
  happen('two')
  const { events, gap, last } = log.read(undefined, 10)
  assert.deepEqual(
    events.map(({ subject, sequence }) => [subject?.id, sequence]),
    [
      ['one', 1],
      ['two', 2],
    ],
  )
  assert.deepEqual([gap, last, log.last], [undefined, 2, 2])
})
