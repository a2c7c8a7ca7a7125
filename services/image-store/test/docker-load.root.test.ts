// Archives that we save, read by the docker that Debian has: a dockerd of its own, in a network of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { busyboxRootfs, inNamespaces, needsBusybox } from '@caisson/testkit'
import { dockerArchive } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const START_TIMEOUT_MS = 60_000
const missing = ['dockerd', 'docker'].find((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0)
const lack = missing === undefined ? inNamespaces() || needsBusybox() : `needs ${missing} of Debian's package docker.io`

let dir: string
let daemon: ChildProcess | undefined
/** Why there is no daemon though it is installed. */
let cannotRun: string | undefined

before(async () => {
  if (lack) return
  dir = mkdtempSync(join(tmpdir(), 'csn-docker-'))
  cannotRun = await startDocker()
})

after(async () => {
  if (daemon?.exitCode === null) {
    const ended = once(daemon, 'exit')
    daemon.kill('SIGTERM')
    await ended
  }
  if (dir) rmSync(dir, { recursive: true, force: true })
})

const docker = (...args: string[]): string =>
  execFileSync('docker', ['--host', `unix://${join(dir, 'sock')}`, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

/** Resolves when it answers, or with the reason why it does not run here. */
async function startDocker(): Promise<string | undefined> {
  const log = openSync(join(dir, 'log'), 'a')
  const places = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
  const alone = ['--storage-driver', 'vfs', '--iptables=false', '--ip6tables=false', '--bridge=none']
  daemon = spawn('dockerd', [...places, ...alone, '--host', `unix://${join(dir, 'sock')}`], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline && daemon.exitCode === null; ) {
    const asked = spawnSync('docker', ['--host', `unix://${join(dir, 'sock')}`, 'version'], { stdio: 'ignore' })
    if (asked.status === 0) return undefined
    await sleep(100)
  }
  return `dockerd does not run here: ${readFileSync(join(dir, 'log'), 'utf8').trim().split('\n').at(-1)}`
}

test('docker loads what we save, by the same id, names and layers', { skip: lack }, async (t) => {
  if (cannotRun !== undefined) return t.skip(cannotRun)
  await using store = await ImageStoreFixture.open()
  const more = tar([
    { path: 'more', content: 'one more layer' },
    { path: 'bin/.wh.sh', content: '' },
  ])
  const names = ['plain.test/one:1', 'packed.test/two:2']
  const images = await store.load(
    dockerArchive([
      { names: names.slice(0, 1), layers: [{ blob: busyboxRootfs() }] },
      { names: names.slice(1), layers: [{ blob: busyboxRootfs() }, { blob: gzipSync(more), tar: more }] },
    ]),
  )
  const saved = join(dir, 'saved.tar')
  writeFileSync(saved, await store.save(names))
  docker('load', '-q', '-i', saved)
  for (const [at, name] of names.entries()) {
    const [found] = JSON.parse(docker('image', 'inspect', name))
    assert.equal(found.Id, images[at]?.id)
    assert.deepEqual(found.RepoTags, [name])
    assert.deepEqual(
      found.RootFS.Layers,
      images[at]?.layers.map(({ diffId }) => diffId),
    )
  }
  const container = docker('create', names[1] ?? '', '/bin/busybox')
  const root = join(dir, 'root.tar')
  docker('export', '-o', root, container)
  const files = execFileSync('tar', ['-tf', root], { encoding: 'utf8' }).split('\n')
  assert.ok(files.includes('bin/busybox') && files.includes('more'), 'the files of both layers are there')
  assert.ok(!files.includes('bin/sh'), 'what the upper layer hides is not there')
})
