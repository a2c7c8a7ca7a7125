import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SingleFlight } from './single-flight.ts'

const never = (): AbortSignal => new AbortController().signal

test('does work once for all who ask at the same time, and again later', async () => {
  const flights = new SingleFlight<number>()
  let count = 0
  const work = async (): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve))
    return ++count
  }
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => flights.run('a', work, never()))), [1, 1, 1])
  assert.equal(await flights.run('a', work, never()), 2)
})

test('gives its failure to all of them', async () => {
  const flights = new SingleFlight<number>()
  const work = () => Promise.reject(new Error('broken'))
  const both = await Promise.allSettled([flights.run('a', work, never()), flights.run('a', work, never())])
  assert.ok(both.every(({ status }) => status === 'rejected'))
})

test('goes on when one gives up, and stops when all have', async () => {
  const flights = new SingleFlight<string>()
  const seen: AbortSignal[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  const work = (signal: AbortSignal): Promise<string> => {
    seen.push(signal)
    return promise
  }
  const [first, second] = [new AbortController(), new AbortController()]
  const one = flights.run('a', work, first.signal)
  const two = flights.run('a', work, second.signal)
  first.abort(new Error('gone'))
  await assert.rejects(one, /gone/)
  assert.equal(seen[0]?.aborted, false)
  second.abort(new Error('gone too'))
  await new Promise((settled) => setImmediate(settled))
  assert.equal(seen[0]?.aborted, true)
  // Who comes now does not join what was given up.
  const three = flights.run('a', work, never())
  assert.equal(seen.length, 2)
  resolve('done')
  await assert.rejects(two, /gone too/)
  assert.equal(await three, 'done')
})

test('lets the last one go only when the work is over', async () => {
  const flights = new SingleFlight<void>()
  const patience = new AbortController()
  let isOver = false
  const work = async (signal: AbortSignal): Promise<void> => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await new Promise((resolve) => setImmediate(resolve))
    isOver = true
  }
  const only = flights.run('a', work, patience.signal)
  patience.abort(new Error('gone'))
  await assert.rejects(only, /gone/)
  assert.ok(isOver)
})
