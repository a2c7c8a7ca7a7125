import assert from 'node:assert/strict'
import { test } from 'node:test'
import { together } from './together.ts'

const never = new AbortController().signal

function untilAborted(signal: AbortSignal, ended: string[], name: string): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      ended.push(name)
      reject(signal.reason)
    })
  })
}

test('gives the results in their order', async () => {
  const results = await together<[number, string]>(never, () => [Promise.resolve(1), Promise.resolve('two')])
  assert.deepEqual(results, [1, 'two'])
})

test('ends the rest when one fails, and tells of that failure once nothing runs', async () => {
  const ended: string[] = []
  const work = together(never, (signal) => [
    untilAborted(signal, ended, 'waiting'),
    Promise.reject(new Error('the first failure')),
  ])
  await assert.rejects(work, /the first failure/)
  assert.deepEqual(ended, ['waiting'])
})

test('ends everything when the caller gives up', async () => {
  const ended: string[] = []
  const caller = new AbortController()
  const work = together(caller.signal, (signal) => [
    untilAborted(signal, ended, 'one'),
    untilAborted(signal, ended, 'two'),
  ])
  caller.abort(new Error('given up'))
  await assert.rejects(work, /given up/)
  assert.deepEqual(ended, ['one', 'two'])
})
