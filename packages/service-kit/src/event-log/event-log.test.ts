import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Store } from '../store/store.ts'
import { EventLog } from './event-log.ts'
import { eventMigrations } from './store.ts'

test('a transaction that is undone leaves no gap in the log', () => {
  using stack = new DisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'csn-events-'))
  stack.defer(() => rmSync(dir, { recursive: true }))
  const store = stack.use(new Store(join(dir, 'test.db'), eventMigrations))
  const log = new EventLog(store, { service: 'registry', hostName: 'test', retention: 100 })
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
