// IMG-25: no program but the layer helper is executed while images come in, whatever lies in PATH. IMG-08: nobody but
// root gets into the folders of the store.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Channel } from '@caisson/api'
import { ImagesDefinition } from '@caisson/api/image'
import { loadImages, needsDockerRegistry, needsRoot, pullImages, startDockerRegistry } from '@caisson/testkit'
import { dockerArchive, LayoutWriter, named } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar, tarEntry } from './tar-writer.ts'

const skip = needsRoot() || (spawnSync('strace', ['-V']).status === 0 ? false : 'needs strace')
const MAIN = join(import.meta.dirname, '../src/main.ts')
const PLAIN = tar([{ path: 'plain', content: 'plain' }])
const GZIP = tar([{ path: 'gzip', content: 'gzip' }])
const ZSTD = tar([{ path: 'zstd', content: 'zstd' }])
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

/** Programs that others decompress with. */
const DECOYS = ['gzip', 'gunzip', 'unpigz', 'pigz', 'zstd', 'unzstd', 'tar', 'xz']

/** An OCI layout whose layers are compressed in every way. */
function archive(): Buffer {
  const layout = new LayoutWriter()
  const layers = [
    { blob: PLAIN },
    { blob: gzipSync(GZIP), tar: GZIP, mediaType: `${LAYER}+gzip` },
    { blob: zstdCompressSync(ZSTD), tar: ZSTD, mediaType: `${LAYER}+zstd` },
  ]
  return layout.tar([layout.image({ layers }, named('traced.test/image:1'))])
}

/** The service under strace, with programs of these names first in its PATH. */
class TracedStore implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'csn-traced-'))
  readonly #trace = join(this.root, 'trace')
  readonly #child: ChildProcess
  readonly #channel: Channel

  private constructor(decoys: readonly string[]) {
    const bin = join(this.root, 'bin')
    mkdirSync(bin)
    for (const name of decoys) writeFileSync(join(bin, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const traced = ['-f', '-qq', '-s', '4096', '-e', 'trace=execve,execveat', '-o', this.#trace]
    const env = { PATH: `${bin}:${process.env['PATH']}` }
    const args = [...traced, process.execPath, MAIN, '--root', join(this.root, 'state')]
    mkdirSync(join(this.root, 'state'))
    this.#child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'inherit'], env })
    this.#channel = new Channel(`unix://${join(this.root, 'state/run/image-store.sock')}`)
  }

  static async start(decoys: readonly string[]): Promise<TracedStore> {
    const store = new TracedStore(decoys)
    await store.#channel.ready(60_000)
    return store
  }

  get images() {
    return this.#channel.client(ImagesDefinition)
  }

  /** Programs that were executed so far, in order. */
  executed(): string[] {
    return [...readFileSync(this.#trace, 'utf8').matchAll(/execve(?:at)?\([^"]*"([^"]+)"/g)].map(
      ([, path]) => path ?? '',
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel[Symbol.dispose]()
    const ended = once(this.#child, 'exit')
    // Strace ends with the program that it traces, whose id begins the trace.
    process.kill(Number(readFileSync(this.#trace, 'utf8').split(' ', 1)[0]), 'SIGKILL')
    await ended
    rmSync(this.root, { recursive: true })
  }
}

test('IMG-25: a load and a pull execute the layer helper and nothing else', {
  skip: skip || needsDockerRegistry(),
  timeout: 180_000,
}, async () => {
  await using registry = await startDockerRegistry()
  const reference = `${registry.address}/image:1`
  {
    await using store = await TracedStore.start(DECOYS)
    const begun = store.executed().length
    await loadImages(store.images, [archive()])
    assertOnlyHelper(store.executed().slice(begun))
    await store.images.tag({ image: 'traced.test/image:1', reference })
    for await (const _ of store.images.push({ reference }));
  }
  await using store = await TracedStore.start(DECOYS)
  const begun = store.executed().length
  assert.equal((await pullImages(store.images, reference)).length, 1)
  assertOnlyHelper(store.executed().slice(begun))
})

function assertOnlyHelper(programs: readonly string[]): void {
  assert.ok(programs.length >= 3, `the helper is seen at work: ${programs.join(' ')}`)
  for (const program of programs) assert.match(program, /\/native\/build\/caisson-layer$/)
}

test('IMG-08: nobody but root can walk into the store and reach a setuid program of a layer', {
  skip: needsRoot() || (spawnSync('setpriv', ['--version']).status === 0 ? false : 'needs setpriv'),
}, async () => {
  await using store = await ImageStoreFixture.open()
  const program = tarEntry({ path: 'su', content: '#!/bin/sh\nid\n', mode: 0o4755 })
  const blob = Buffer.concat([program, Buffer.alloc(1024)])
  await store.load(dockerArchive([{ names: ['setuid:latest'], layers: [{ blob }] }]))
  const { mount } = await store.snapshots.prepare({ key: 'box', base: { $case: 'image', value: 'setuid' } })
  const lower = mount?.lowerDirs[0] ?? ''
  assert.equal(statSync(join(lower, 'su')).mode & 0o7777, 0o4755)
  const asNobody = (...command: string[]) =>
    spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', ...command], { encoding: 'utf8' })
  for (const path of [join(lower, 'su'), mount?.upperDir ?? '', store.dir.database]) {
    assert.notEqual(asNobody('stat', path).status, 0, path)
    assert.match(asNobody('stat', path).stderr, /Permission denied/)
  }
  assert.notEqual(asNobody(join(lower, 'su')).status, 0)
  const state = join(store.dir.layers, '..')
  for (const name of readdirSync(state, { withFileTypes: true }))
    if (name.isDirectory()) assert.equal(statSync(join(state, name.name)).mode & 0o077, 0, name.name)
})
