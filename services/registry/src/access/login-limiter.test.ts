import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginLimiter } from './login-limiter.ts'

const isRefused = (limiter: LoginLimiter, source: string, user: string): boolean => {
  try {
    limiter.begin(source, user)
    return false
  } catch (error) {
    assert.ok(error instanceof Error && 'reason' in error && error.reason === 'TOOMANYREQUESTS')
    return true
  }
}

test('REG-14: ten failures a minute by source and user, and no more until the minute is over', () => {
  let now = 0
  const limiter = new LoginLimiter(() => now)
  for (let attempt = 0; attempt < 10; attempt++) assert.ok(!isRefused(limiter, '10.0.0.1', 'alice'))
  now = 20_000
  assert.throws(() => limiter.begin('10.0.0.1', 'alice'), { details: { retryAfter: '40' } })
  assert.ok(!isRefused(limiter, '10.0.0.2', 'alice') && !isRefused(limiter, '10.0.0.1', 'bob'))
  now = 60_000
  assert.ok(!isRefused(limiter, '10.0.0.1', 'alice'))
})

test('logins that succeed do not count', () => {
  const limiter = new LoginLimiter(() => 0)
  for (let attempt = 0; attempt < 1_000; attempt++) limiter.begin('10.0.0.1', 'alice').succeeded()
  assert.ok(!isRefused(limiter, '10.0.0.1', 'alice'))
})

test('one password on many users is stopped by the count of the source', () => {
  const limiter = new LoginLimiter(() => 0)
  const tried = Array.from({ length: 200 }, (_, index) => isRefused(limiter, '10.0.0.1', `user${index}`))
  assert.equal(tried.filter((refused) => !refused).length, 100)
})

test('addresses of one IPv6 network are one source', () => {
  const limiter = new LoginLimiter(() => 0)
  const spellings = ['2001:db8::1', '2001:db8:0:0::2', '2001:db8:0:0:1:2:3:4', '2001:db8::ffff:1']
  for (let attempt = 0; attempt < 10; attempt++) limiter.begin(spellings[attempt % 4] ?? '', 'alice')
  assert.ok(isRefused(limiter, '2001:db8::77', 'alice'))
  assert.ok(!isRefused(limiter, '2001:db8:0:1::77', 'alice'))
  assert.ok(!isRefused(limiter, '::ffff:10.0.0.1', 'alice') && !isRefused(limiter, '::1', 'alice'))
})

test('remembers no more than it may, whoever comes', () => {
  const limiter = new LoginLimiter(() => 0)
  for (let index = 0; index < 80_000; index++)
    limiter.begin(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 'x'.repeat(200))
  assert.equal(limiter.size, 40_000)
})
