import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'

const skip = inNamespaces()
const folder = join(import.meta.dirname, '..')

test('the native code passes its own tests under the sanitizers', { skip, timeout: 120_000 }, () => {
  const ran = spawnSync('make', ['-s', '-C', folder, 'check'], { encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stdout + ran.stderr)
  assert.doesNotMatch(ran.stdout, /^not ok/m)
})
