// Archives that we save, read by the docker that Debian has: a dockerd of its own, in a network of its own.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { busyboxRootfs, DockerEngine, inNamespaces, needsBusybox, needsDocker } from '@caisson/testkit'
import { dockerArchive } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const lack = needsDocker() || inNamespaces() || needsBusybox()

let dir: string
/** Or why there is none though it is installed. */
let engine: DockerEngine | string

before(async () => {
  if (lack) return
  dir = mkdtempSync(join(tmpdir(), 'csn-docker-load-'))
  engine = await DockerEngine.start()
})

after(async () => {
  if (engine instanceof DockerEngine) await engine[Symbol.asyncDispose]()
  if (dir) rmSync(dir, { recursive: true, force: true })
})

const docker = (...args: string[]): string =>
  execFileSync('docker', ['--host', engine instanceof DockerEngine ? engine.host : '', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

test('docker loads what we save, by the same id, names and layers', { skip: lack }, async (t) => {
  if (typeof engine === 'string') return t.skip(engine)
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
