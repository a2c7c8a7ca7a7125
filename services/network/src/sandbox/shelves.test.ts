import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@caisson/service-kit'
import type { Namespace } from './sandbox.ts'
import { MOST_SHELVES, Shelves } from './shelves.ts'

const log = createLogger('network', 'fatal')

function shelvesOf(idleMs?: number) {
  const discarded: string[] = []
  let made = 0
  const make = async (key: string): Promise<Namespace> => ({ id: `${key}${made++}`, endpoints: [] })
  const discard = ({ id }: Namespace): void => void discarded.push(id)
  const shelves = new Shelves({ make, discard, log, ...(idleMs === undefined ? {} : { idleMs }) })
  return { shelves, discarded, made: () => made }
}

test('the second use opens a shelf, which fills itself', async () => {
  const { shelves } = shelvesOf()
  assert.equal(shelves.use('a', 2), undefined)
  assert.equal(shelves.use('b', 2), undefined, 'each key counts for itself')
  const shelf = shelves.use('a', 2)
  while (shelf?.length !== 2) await sleep(1)
  assert.equal(shelves.use('a', 2), shelf)
  assert.equal((await shelves.close()).length, 2)
})

test('a shelf that nobody takes from goes, with what lies on it', async () => {
  const { shelves, discarded } = shelvesOf(50)
  for (let use = 0; use < 2; use++) shelves.use('a', 2)
  while (discarded.length < 2) await sleep(5)
  assert.equal(shelves.get('a'), undefined)
  assert.equal(shelves.use('a', 2), undefined, 'the next use is a first one')
  await shelves.close()
})

test('size 0 makes nothing, and there are never more shelves than the most', async () => {
  const { shelves, made } = shelvesOf()
  for (let use = 0; use < 3; use++) assert.equal(shelves.use('none', 0), undefined)
  const keys = Array.from({ length: MOST_SHELVES + 5 }, (_, index) => `k${index}`)
  for (const key of [...keys, ...keys]) shelves.use(key, 1)
  assert.equal(keys.filter((key) => shelves.get(key) !== undefined).length, MOST_SHELVES)
  while (made() < MOST_SHELVES) await sleep(1)
  await shelves.clear('k0')
  assert.notEqual(shelves.use('k35', 1), undefined, 'one that went makes room')
  await shelves.close()
})
