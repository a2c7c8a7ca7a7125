import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { busyboxRootfs, importImage, inNamespaces, needsBusybox, TestEngine } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const CONTAINERS = 20
const LINES = 300
let engine: TestEngine

before(async () => {
  if (skip) return
  engine = await TestEngine.start()
  await importImage(engine.images, 'busybox', busyboxRootfs())
})

after(() => engine?.[Symbol.asyncDispose]())

async function linesOf(container: string): Promise<string[]> {
  const chunks: Buffer[] = []
  for await (const { item } of engine.containers.logs({ container })) {
    assert.notEqual(item?.$case, 'gap', `the log of ${container} has a gap`)
    if (item?.$case === 'output') chunks.push(item.value.data)
  }
  return Buffer.concat(chunks).toString().trimEnd().split('\n')
}

test('keeps every container, line and exit code when each service is killed in turn', {
  skip,
  timeout: 120_000,
}, async () => {
  const script = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo line $i; usleep 20000 2>/dev/null || sleep 0.02; done; exit $CODE`
  const started = await Promise.all(
    Array.from({ length: CONTAINERS }, async (_, index) => {
      const spec = { image: 'busybox', process: { cmd: { values: ['sh', '-c', script] }, env: [`CODE=${index + 10}`] } }
      const { id } = await engine.containers.create({ spec })
      const { pid } = await engine.containers.start({ container: id })
      return { id, pid, code: index + 10 }
    }),
  )
  for (const service of SERVICES) {
    await engine.kill(service)
    await sleep(300)
    await engine.startService(service)
    for (const { id, pid } of started) {
      const found = await engine.containers.get({ container: id })
      if (found.state === ContainerState.RUNNING)
        assert.equal(found.pid, pid, `${id} was restarted by the loss of ${service}`)
    }
  }
  const expected = Array.from({ length: LINES }, (_, index) => `line ${index + 1}`)
  for (const { id, code } of started) {
    const { exit } = await engine.containers.wait({ container: id }, { deadlineMs: 60_000 })
    assert.equal(exit?.exitCode, code)
    assert.deepEqual(await linesOf(id), expected)
  }
})

test('knows how containers ended while the runtime was away', { skip, timeout: 60_000 }, async () => {
  const ids = await Promise.all(
    [0, 1, 2, 3].map(async (code) => {
      const { id } = await engine.containers.create({
        spec: { image: 'busybox', process: { cmd: { values: ['sh', '-c', `sleep 1; echo end; exit ${code}`] } } },
      })
      await engine.containers.start({ container: id })
      return { id, code }
    }),
  )
  await engine.kill('runtime')
  await sleep(2_000)
  await engine.startService('runtime')
  for (const { id, code } of ids) {
    const found = await engine.containers.get({ container: id })
    assert.equal(found.state, ContainerState.EXITED)
    assert.equal(found.exit?.exitCode, code)
    assert.deepEqual(await linesOf(id), ['end'])
  }
})

test('ends a container whose monitor was killed, and says that its exit code is not known', {
  skip,
  timeout: 60_000,
}, async () => {
  const { id } = await engine.containers.create({
    spec: { image: 'busybox', process: { cmd: { values: ['sleep', '1000'] } } },
  })
  const { pid } = await engine.containers.start({ container: id })
  process.kill(parentOf(pid), 'SIGKILL')
  const { exit } = await engine.containers.wait({ container: id }, { deadlineMs: 30_000 })
  assert.ok(exit)
  assert.equal(exit.exitCode, -1)
  assert.ok(isGone(pid), 'the process of a container whose monitor is gone does not run on unseen')
  await engine.containers.remove({ container: id })
})

/** A process that nobody has reaped yet is gone all the same. */
function isGone(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return true
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return 'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3))
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}
