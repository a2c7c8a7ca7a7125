import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hostProcesses } from './processes.ts'

function startTimeOf(pid: number): bigint {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return BigInt(text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '0')
}

test('kills the process that it was told of, and no other that got its pid', async () => {
  const processes = hostProcesses()
  const child = spawn('sleep', ['60'])
  const pid = child.pid ?? 0
  const startTime = startTimeOf(pid)
  assert.ok(processes.isAlive(pid, startTime))
  assert.ok(!processes.isAlive(pid, startTime + 1n))
  await processes.kill(pid, startTime + 1n)
  assert.ok(processes.isAlive(pid, startTime))
  const gone = once(child, 'exit')
  await processes.kill(pid, startTime)
  assert.deepEqual(await gone, [null, 'SIGKILL'])
  assert.ok(!processes.isAlive(pid, startTime))
})

test('knows the boot', () => {
  assert.match(hostProcesses().bootId, /^[0-9a-f-]{36}$/)
})
