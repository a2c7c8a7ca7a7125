import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openInTime } from './open-in-time.ts'

test('a name server that does not open in time is a typed error, one that cannot be opened its own', async () => {
  const never = { open: () => new Promise<void>(() => {}) }
  await assert.rejects(openInTime(never, 'a', '/run/netns/a', 10), {
    code: 'unavailable',
    reason: 'NAME_SERVER_UNAVAILABLE',
  })
  const refusing = { open: () => Promise.reject(new Error('no such namespace')) }
  await assert.rejects(openInTime(refusing, 'a', '/run/netns/a', 1_000), { message: 'no such namespace' })
  await openInTime({ open: () => Promise.resolve() }, 'a', '/run/netns/a', 1_000)
})
