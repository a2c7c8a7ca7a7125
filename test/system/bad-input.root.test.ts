import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { CaissonError } from '@caisson/api'
import { MountKind, RestartPolicyKind } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import {
  busyboxRootfs,
  type HostState,
  hostState,
  importImage,
  inNamespaces,
  leftBehind,
  needsBusybox,
  runContainer,
  TestEngine,
  tar,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const network = { mode: SandboxMode.NONE } as const
let engine: TestEngine
let baseline: HostState

before(async () => {
  if (skip) return
  engine = await TestEngine.start({ config: { network: { poolSize: 0, barePoolSize: 0 } } })
  await importImage(engine.images, 'busybox', busyboxRootfs())
  await runContainer(engine, { image: 'busybox', network }, ['true'])
  baseline = hostState(engine.root)
})

after(() => engine?.[Symbol.asyncDispose]())

/** A request that must be refused: what it says, how it is refused, and that nothing is left of it. */
async function refused(
  spec: object,
  cmd: readonly string[],
  expected: { code?: string; reason?: string; message: RegExp },
): Promise<void> {
  const thrown = await runContainer(engine, { image: 'busybox', network, ...spec }, cmd).catch(
    (error: unknown) => error,
  )
  const error = thrown as CaissonError
  assert.ok(error instanceof Error, `was not refused: ${JSON.stringify(thrown)}`)
  if (expected.code !== undefined) assert.equal(error.code, expected.code, error.message)
  if (expected.reason !== undefined) assert.equal(error.reason, expected.reason, error.message)
  assert.match(error.message, expected.message)
  const { containers } = await engine.containers.list({ all: true })
  assert.deepEqual(
    containers.map(({ id }) => id),
    [],
  )
  assert.deepEqual(await leftBehind(baseline, engine.root), {})
}

test('names an image that is not there', { skip }, async () => {
  await refused({ image: 'nothing/like-this' }, ['true'], { code: 'not-found', message: /nothing\/like-this/ })
})

test('names a program that is not there, or cannot be run', { skip }, async () => {
  await refused({}, ['/no/such/program'], { reason: 'COMMAND_NOT_FOUND', message: /\/no\/such\/program/ })
  await refused({}, ['/etc/passwd'], { reason: 'COMMAND_NOT_EXECUTABLE', message: /\/etc\/passwd/ })
  await refused({}, ['/etc'], { reason: 'COMMAND_NOT_EXECUTABLE', message: /\/etc/ })
})

test('names a user that is not there, or out of range', { skip }, async () => {
  for (const user of ['nobody-like-this', '4294967296', '-1', '0x0', 'root:99999999999', ' 0'])
    await refused({ process: { user } }, ['true'], { message: /user|group|uid|gid/i })
})

test('names what is wrong with limits', { skip }, async () => {
  await refused({ resources: { memoryBytes: 1_000 } }, ['true'], { code: 'invalid-argument', message: /memory/ })
  await refused({ resources: { nanoCpus: -5 } }, ['true'], { code: 'invalid-argument', message: /cpu/i })
  await refused({ resources: { cpusetCpus: '0-4294967295' } }, ['true'], { message: /cpu/i })
  await refused({ resources: { oomScoreAdj: -2_000 } }, ['true'], { code: 'invalid-argument', message: /oom/i })
})

test('names a mount that cannot be', { skip }, async () => {
  await refused({ mounts: [{ kind: MountKind.BIND, source: '/no/such/source', target: '/mnt' }] }, ['true'], {
    message: /\/no\/such\/source/,
  })
  await refused({ mounts: [{ kind: MountKind.BIND, source: '/tmp', target: 'relative' }] }, ['true'], {
    code: 'invalid-argument',
    message: /relative/,
  })
  for (const target of ['/proc', '/proc/self', '/proc/1/attr', '/sys/fs/cgroup', '//proc/../proc', '/'])
    await refused({ mounts: [{ kind: MountKind.BIND, source: '/tmp', target }] }, ['true'], {
      code: 'invalid-argument',
      message: /mount|target|\/proc|\/sys/,
    })
})

test("names settings that are not the container's own", { skip }, async () => {
  for (const key of [
    'kernel.core_pattern',
    'vm.overcommit_memory',
    'net.ipv4/../../kernel.core_pattern',
    'kernel.shm_rmid_forced=1\nx',
  ])
    await refused({ sysctls: { [key]: '1' } }, ['true'], { message: /sysctl|kernel|vm|net/ })
})

test('names an environment or a name that cannot be', { skip }, async () => {
  await refused({ process: { env: ['=x'] } }, ['true'], { code: 'invalid-argument', message: /env/i })
  await refused({ process: { env: ['A=b\0c'] } }, ['true'], { code: 'invalid-argument', message: /env|NUL/i })
  await assert.rejects(
    engine.containers.create({ name: '../x', spec: { image: 'busybox' } }),
    (error: CaissonError) => error.code === 'invalid-argument',
  )
})

test('says what this version does not do instead of leaving it out', { skip }, async () => {
  await refused({ restart: { kind: RestartPolicyKind.ALWAYS } }, ['true'], {
    code: 'unimplemented',
    message: /restart/,
  })
})

test('refuses a tar that is malformed, and keeps nothing of it', { skip }, async () => {
  const good = tar([{ path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' }])
  const cases: [string, Buffer][] = [
    ['noise', Buffer.alloc(4_096, 7)],
    ['truncated', good.subarray(0, 700)],
    ['escape', tar([{ path: '../../escaped', content: 'x' }])],
    ['overlay device', tar([{ path: 'gone', type: 'char', major: 0, minor: 0 }])],
  ]
  for (const [name, bytes] of cases) {
    await assert.rejects(
      importImage(engine.images, `bad/${name.replace(' ', '-')}`, bytes),
      (error: CaissonError) => error.code !== 'internal',
      name,
    )
  }
  const { images } = await engine.images.list({})
  assert.deepEqual(
    images.flatMap((image) => image.names),
    ['docker.io/library/busybox:latest'],
  )
  assert.deepEqual(await leftBehind(baseline, engine.root), {})
})
