import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withProgress } from './progress.ts'

test('gives a slow client the newest of every subject, and then the result', async () => {
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const steps = withProgress(async (report) => {
    report({ subject: 'a', done: 1 })
    await gate
    for (const done of [2, 3]) for (const subject of ['a', 'b']) report({ subject, done })
    return 'over'
  })
  assert.deepEqual((await steps.next()).value, { progress: { subject: 'a', done: 1 } })
  letGo()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await Array.fromAsync(steps), [
    { progress: { subject: 'a', done: 3 } },
    { progress: { subject: 'b', done: 3 } },
    { result: 'over' },
  ])
})

test('throws what the work throws, behind what it has told', async () => {
  const steps = withProgress(async (report) => {
    report({ subject: 'a' })
    throw new Error('no')
  })
  assert.ok('progress' in ((await steps.next()).value ?? {}))
  await assert.rejects(steps.next(), /no/)
})

test('lets numbers wait for one another, but no new action and no end', async () => {
  const steps = withProgress(async (report) => {
    for (let done = 0; done < 1_000; done++) {
      report({ subject: 'a', action: 'comes', done })
      await new Promise((resolve) => setImmediate(resolve))
    }
    report({ subject: 'a', action: 'is here', done: 1_000 })
    return 'over'
  })
  const begun = performance.now()
  const all = await Array.fromAsync(steps)
  assert.deepEqual(all.slice(-2), [{ progress: { subject: 'a', action: 'is here', done: 1_000 } }, { result: 'over' }])
  const most = 4 + Math.ceil((performance.now() - begun) / 50)
  assert.ok(all.length <= most, `${all.length} steps, and not ${most} at most`)
})
