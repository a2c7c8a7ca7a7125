import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Turns } from './turns.ts'

test('works on one id in order, on others meanwhile, and goes on after a failure', async () => {
  const turns = new Turns()
  const done: string[] = []
  const step = (name: string, ms: number) => async () => {
    await sleep(ms)
    done.push(name)
    if (name === 'a1') throw new Error('a1 failed')
  }
  const all = [turns.run('a', step('a1', 20)), turns.run('a', step('a2', 0)), turns.run('b', step('b1', 0))]
  assert.deepEqual(
    (await Promise.allSettled(all)).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(done, ['b1', 'a1', 'a2'])
})
