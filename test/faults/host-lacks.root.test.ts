import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CaissonError } from '@caisson/api'
import { SandboxMode } from '@caisson/api/network'
import { busyboxRootfs, importImage, inNamespaces, needsBusybox, runContainer, TestEngine } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const network = { mode: SandboxMode.NONE } as const
let root: string
let stack: AsyncDisposableStack

beforeEach(() => {
  stack = new AsyncDisposableStack()
  root = mkdtempSync(join(tmpdir(), 'csn-lack-'))
  stack.defer(() => rmSync(root, { recursive: true, force: true }))
})

afterEach(() => stack.disposeAsync())

/** An engine on a file system of its own, of so many MiB. */
async function smallEngine(mebibytes: number): Promise<TestEngine> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'small', root])
  stack.defer(() => {
    execFileSync('umount', ['-l', root])
  })
  return stack.use(await TestEngine.start({ root }))
}

test('refuses an image that does not fit the disk, keeps nothing of it, and goes on when there is room', {
  skip,
  timeout: 60_000,
}, async () => {
  const engine = await smallEngine(48)
  const free = statfsSync(root).bavail
  const huge = busyboxRootfs([{ path: 'huge', content: Buffer.alloc(64 << 20, 1) }])
  await assert.rejects(
    importImage(engine.images, 'huge', huge),
    (error: CaissonError) => error.code === 'resource-exhausted' && error.reason === 'NO_SPACE',
  )
  // What is thrown away is removed behind the caller.
  const lost = (): number => (free - statfsSync(root).bavail) * statfsSync(root).bsize
  for (let i = 0; i < 50 && lost() >= 4 << 20; i++) await sleep(200)
  assert.ok(lost() < 4 << 20, `${lost()} bytes were not given back`)
  assert.deepEqual((await engine.images.list({})).images, [])
  await importImage(engine.images, 'busybox', busyboxRootfs())
  assert.equal((await runContainer(engine, { image: 'busybox', network }, ['echo', 'fits'])).stdout, 'fits\n')
})

test('lets a container wait while its log does not fit the disk, and loses no line', {
  skip,
  timeout: 90_000,
}, async () => {
  const engine = await smallEngine(64)
  await importImage(engine.images, 'busybox', busyboxRootfs())
  const { id } = await engine.containers.create({
    spec: {
      image: 'busybox',
      network,
      process: {
        cmd: {
          values: [
            'sh',
            '-c',
            'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); echo line $i of the log of a container that writes a lot; done',
          ],
        },
      },
    },
  })
  const filler = join(root, 'filler')
  const { bavail, bsize } = statfsSync(root)
  writeFileSync(filler, Buffer.alloc(bavail * bsize - (3 << 20)))
  await engine.containers.start({ container: id })
  await sleep(4_000)
  const waiting = await engine.containers.get({ container: id })
  assert.equal(waiting.exit, undefined, 'the container waits')
  rmSync(filler)
  const { exit } = await engine.containers.wait({ container: id }, { deadlineMs: 60_000 })
  assert.deepEqual([exit?.exitCode, exit?.droppedLogBytes], [0, 0])
  let lines = 0
  let rest = ''
  for await (const { item } of engine.containers.logs({ container: id })) {
    assert.notEqual(item?.$case, 'gap')
    if (item?.$case !== 'output') continue
    const parts = (rest + item.value.data.toString()).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) assert.equal(line, `line ${++lines} of the log of a container that writes a lot`)
  }
  assert.equal(lines, 200_000)
})

test('names the controller that a limit would need and the host lacks', { skip, timeout: 60_000 }, async () => {
  const controller = '/sys/fs/cgroup/memory'
  if (!existsSync(join(controller, 'memory.limit_in_bytes'))) return
  execFileSync('umount', ['-l', controller])
  // What the engine still takes down when it is stopped goes with its file system.
  const engine = await smallEngine(64)
  await importImage(engine.images, 'busybox', busyboxRootfs())
  await assert.rejects(
    runContainer(engine, { image: 'busybox', network, resources: { memoryBytes: 64 << 20 } }, ['true']),
    (error: CaissonError) => error.code === 'failed-precondition' && /memory/.test(error.message),
  )
  assert.deepEqual((await engine.containers.list({ all: true })).containers, [])
  assert.equal((await runContainer(engine, { image: 'busybox', network }, ['true'])).exit.exitCode, 0)
})
