import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { machineMissing, runInMachine } from './machine.ts'

// Emulated, everything takes many times as long; this is a choice of tests, not all of them.
const FILES = [
  'services/runtime/src/cgroup/cgroup.root.test.ts',
  'services/image-store/test/quota.root.test.ts',
  'test/system/lifecycle.root.test.ts',
]
const skip = process.arch === 'x64' ? (machineMissing() ?? false) : 'is written for x86_64'

/**
 * V8 that compiles in other threads takes itself apart under emulation, most of the time. The services that a test starts
 * have them all the same: their failure says nothing about containers, and the machine is started again.
 */
const V8_FLAGS = '--single-threaded'
const V8_FAILED = /Fatal error in |(?:was ended by |signal: ')SIG(?:TRAP|SEGV|ILL|BUS|ABRT)/
const ATTEMPTS = 12
const ATTEMPT_MS = 300_000

for (const file of FILES)
  test(`on Debian's kernel with control groups v2 alone passes ${file}`, {
    skip,
    timeout: ATTEMPTS * ATTEMPT_MS,
  }, async (t) => {
    const root = join(import.meta.dirname, '../..')
    const node = join(root, 'node_modules/.bin/node')
    const command = `cd ${root} && PATH=$PATH:/usr/sbin CAISSON_TEST_SLOW=1 ${node} ${V8_FLAGS} --test --test-timeout=600000 --test-reporter=tap ${file}`
    let { code, output } = await runInMachine(command, ATTEMPT_MS)
    for (let attempt = 1; code !== 0 && V8_FAILED.test(output) && attempt < ATTEMPTS; attempt++) {
      t.diagnostic('V8 failed under emulation: once more')
      ;({ code, output } = await runInMachine(command, ATTEMPT_MS))
    }
    assert.equal(code, 0, output)
    assert.match(output, /# pass [1-9]/)
    assert.doesNotMatch(output, /# SKIP this kernel mounts no/)
  })
