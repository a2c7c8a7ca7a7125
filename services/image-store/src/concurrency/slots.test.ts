import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slots } from './slots.ts'

const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('runs no more at once than it has places, in the order of asking', async () => {
  const slots = new Slots(2)
  const started: number[] = []
  const ends: (() => void)[] = []
  const work = Array.from({ length: 5 }, (_, at) =>
    slots.run(() => {
      started.push(at)
      return new Promise<void>((resolve) => ends.push(resolve))
    }, never),
  )
  await turn()
  assert.deepEqual(started, [0, 1])
  for (let at = 0; at < 5; at++) {
    ends[at]?.()
    await turn()
  }
  await Promise.all(work)
  assert.deepEqual(started, [0, 1, 2, 3, 4])
})

test('gives up waiting with its caller, and gives the place of work that fails on', async () => {
  const slots = new Slots(1)
  let fail = (): void => {}
  const failing = slots.run(
    () =>
      new Promise<void>((_, reject) => {
        fail = () => reject(new Error('it failed'))
      }),
    never,
  )
  const caller = new AbortController()
  const waiting = slots.run(async () => assert.fail('it was given up'), caller.signal)
  const next = slots.run(async () => 'next', never)
  caller.abort(new Error('given up'))
  await assert.rejects(waiting, /given up/)
  fail()
  await assert.rejects(failing, /it failed/)
  assert.equal(await next, 'next')
  await assert.rejects(
    slots.run(async () => {}, caller.signal),
    /given up/,
  )
  assert.equal(await slots.run(async () => 'again', never), 'again')
})
