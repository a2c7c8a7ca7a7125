import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arrival } from './arrival.ts'

const never = new AbortController().signal

test('who reads along is told of each growth, and of the end', async () => {
  const arrival = new Arrival()
  const begun = arrival.begun(never)
  arrival.reached(0)
  assert.equal(await begun, true)
  let count = 0
  const whole = arrival.whole(() => count++, never)
  arrival.reached(5)
  arrival.reached(9)
  arrival.finish('whole')
  await whole
  assert.equal(count, 3)
  assert.equal(await arrival.begun(never), false)
})

test('a file that was begun anew is of no use any more, though it becomes whole', async () => {
  const arrival = new Arrival()
  arrival.reached(5)
  const whole = arrival.whole(() => {}, never)
  arrival.reached(0)
  arrival.finish('whole')
  await assert.rejects(whole, { code: 'aborted' })
  await assert.rejects(
    arrival.whole(() => {}, never),
    { code: 'aborted' },
  )
})

test('a download that fails before its first byte is not read along', async () => {
  const arrival = new Arrival()
  const begun = arrival.begun(never)
  arrival.finish('broken')
  assert.equal(await begun, false)
})

test('who gives up waits no longer', async () => {
  const arrival = new Arrival()
  const caller = new AbortController()
  const begun = arrival.begun(caller.signal)
  caller.abort(new Error('given up'))
  await assert.rejects(begun, /given up/)
  await assert.rejects(
    arrival.whole(() => assert.fail('nobody listens'), caller.signal),
    /given up/,
  )
})
