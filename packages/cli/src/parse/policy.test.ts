import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RestartPolicyKind } from '@caisson/api/container'
import { parsePlatform } from './platform.ts'
import { parseRestart } from './restart.ts'

test('reads platforms', () => {
  assert.deepEqual(parsePlatform('linux/amd64'), { os: 'linux', architecture: 'amd64', variant: '' })
  assert.deepEqual(parsePlatform('linux/arm64/v8'), { os: 'linux', architecture: 'arm64', variant: 'v8' })
  assert.deepEqual(parsePlatform('arm64'), { os: 'linux', architecture: 'arm64' })
  for (const text of ['', 'a/b/c/d', 'linux/', 'Linux amd64'])
    assert.throws(() => parsePlatform(text), /--platform/, text)
})

test('reads restart policies', () => {
  assert.deepEqual(parseRestart('no'), { kind: RestartPolicyKind.NO })
  assert.deepEqual(parseRestart('on-failure'), { kind: RestartPolicyKind.ON_FAILURE, maxRetries: 0 })
  assert.deepEqual(parseRestart('on-failure:3'), { kind: RestartPolicyKind.ON_FAILURE, maxRetries: 3 })
  for (const text of ['', 'sometimes', 'on-failure:', 'always:3'])
    assert.throws(() => parseRestart(text), /--restart/, text)
})
