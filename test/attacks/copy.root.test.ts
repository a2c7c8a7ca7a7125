import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { busyboxRootfs, importImage, staticProgram, TestEngine, tar } from '@caisson/testkit'
import { hostDigest, MODES, skip } from './attack-fixture.ts'

/** How long each attack goes on; CAISSON_TEST_RACE_MS asks for more. */
const ATTACK_MS = Number(process.env['CAISSON_TEST_RACE_MS'] ?? 6_000)
const AT_ONCE = 3
const SECRET = 'a secret of the host'
/** What a call may say when its path was swapped under it. */
const TYPED = ['PATH_NOT_FOUND', 'NOT_A_DIRECTORY', 'KIND_MISMATCH', 'UNSAFE_CONTENT', 'INVALID_ARCHIVE', 'RACE']
let engine: TestEngine
let host: string

before(async () => {
  if (skip) return
  host = mkdtempSync(join(tmpdir(), 'csn-canary-'))
  mkdirSync(join(host, 'inner'))
  writeFileSync(join(host, 'file'), SECRET)
  writeFileSync(join(host, 'inner/file'), SECRET)
  engine = await TestEngine.start()
  const swap = staticProgram(readFileSync(join(import.meta.dirname, 'probes/swap.c'), 'utf8'))
  const rootfs = busyboxRootfs([
    { path: 'swap', mode: 0o755, content: swap },
    { path: 'w/', type: 'directory' },
    { path: 'w/dir/', type: 'directory' },
    { path: 'w/dir/inner/', type: 'directory' },
    { path: 'w/dir/file', content: 'inside' },
    { path: 'w/dir/inner/file', content: 'inside' },
    { path: 'w/link', type: 'symlink', target: host },
    { path: 'w/up', type: 'symlink', target: `${'../'.repeat(12)}${host.slice(1)}` },
    { path: 'w/dir2/', type: 'directory' },
    { path: 'w/dir2/file', content: 'inside' },
    { path: 'w/plain', content: 'inside' },
    { path: 'w/pipe', type: 'fifo' },
  ])
  await importImage(engine.images, 'swap', rootfs)
})

after(async () => {
  if (skip) return
  await engine[Symbol.asyncDispose]()
  rmSync(host, { recursive: true, force: true })
})

/** Calls again and again from several sides while the time lasts. Returns how many calls did and did not do their work. */
async function attack(call: (count: number) => Promise<void>): Promise<{ done: number; refused: number }> {
  const deadline = performance.now() + ATTACK_MS
  let [done, refused] = [0, 0]
  const side = async (): Promise<void> => {
    while (performance.now() < deadline)
      try {
        await call(done + refused)
        done++
      } catch (error) {
        if (!(error instanceof CaissonError)) throw error
        assert.ok(TYPED.includes(error.reason), `${error.reason}: ${error.message}`)
        refused++
      }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, side))
  return { done, refused }
}

/** Waits until the paths of a container are being exchanged. */
async function swapping(container: string): Promise<void> {
  const deadline = performance.now() + 20_000
  for (let seen = new Set<number>(); seen.size < 2; ) {
    assert.ok(performance.now() < deadline, 'the container does not swap')
    const mode = await engine.containers.statPath({ container, path: '/x/dir' }).then(
      (found) => found.mode,
      () => 0,
    )
    if (mode !== 0) seen = seen.add(mode)
  }
}

for (const { name, security } of MODES)
  test(`a container in ${name} that swaps directories, links and FIFOs while files are copied reaches nothing of the host`, {
    skip,
    timeout: 300_000,
  }, async (context) => {
    const before = hostDigest()
    const namespaces = 'userNamespace' in security ? security : {}
    // Overlayfs exchanges only what is in the container's own layer.
    const script = 'cp -a /w /x && exec /swap /x/dir /x/link /x/dir2 /x/up /x/plain /x/pipe'
    const values = ['/bin/sh', '-c', script]
    const spec = {
      image: 'swap',
      process: { cmd: { values } },
      network: { mode: SandboxMode.NONE },
      security: namespaces,
    }
    const { id: container } = await engine.containers.create({ spec })
    await engine.containers.start({ container })
    await swapping(container)

    const paths = ['/x/dir/file', '/x/dir', '/x', '/x/dir/inner/file', '/x/dir2/file', '/x/plain', '/x/dir/inner/.']
    const reading = await attack(async (count) => {
      const path = paths[count % paths.length] ?? '/x'
      const chunks: Buffer[] = []
      const follow = count % 2 === 0
      for await (const { chunk } of engine.containers.readArchive({ container, path, follow })) chunks.push(chunk)
      assert.ok(!Buffer.concat(chunks).includes(SECRET), `${path} gave a secret of the host`)
    })
    context.diagnostic(`reading: ${reading.done} done, ${reading.refused} refused`)

    const archive = tar([
      { path: 'planted', content: 'planted' },
      { path: 'inner/planted', content: 'planted' },
    ])
    const targets = ['/x/dir', '/x/dir/inner', '/x/dir2', '/x/dir/made']
    const writing = await attack(async (count) => {
      const path = targets[count % targets.length] ?? '/x'
      const options = { container, path, makePath: count % 2 === 0, noOverwriteDir: true, keepOwners: true }
      await engine.containers.writeArchive(
        (async function* () {
          yield { item: { $case: 'options' as const, value: options } }
          yield { item: { $case: 'chunk' as const, value: archive } }
        })(),
      )
    })
    context.diagnostic(`writing: ${writing.done} done, ${writing.refused} refused`)

    const looking = await attack(async (count) => {
      const path = paths[count % paths.length] ?? '/x'
      const { size } = await engine.containers.statPath({ container, path, follow: true })
      assert.notEqual(size, SECRET.length)
    })
    context.diagnostic(`looking: ${looking.done} done, ${looking.refused} refused`)

    assert.equal((await engine.containers.get({ container })).state, ContainerState.RUNNING)
    for (const { done } of [reading, writing, looking]) assert.ok(done > 0)
    assert.deepEqual(readdirSync(host).sort(), ['file', 'inner'])
    assert.deepEqual(readdirSync(join(host, 'inner')), ['file'])
    assert.equal(readFileSync(join(host, 'file'), 'utf8'), SECRET)
    assert.equal(hostDigest(), before)
    await engine.containers.remove({ container, force: true })
  })
