import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Channel } from '@caisson/api'
import { type Image, ImagesDefinition, type ImportRequest } from '@caisson/api/image'
import { SnapshotsDefinition } from '@caisson/api/snapshot'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture, upload } from './image-store-fixture.ts'
import { tar, tarEntry } from './tar-writer.ts'

const skip = needsRoot()
const MAIN = join(import.meta.dirname, '../src/main.ts')
const LAYER = tar([{ path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' }])
const OPTIONS = { reference: 'big', changes: [], comment: '', platform: undefined, size: 0, overSocket: false }
const root = mkdtempSync(join(tmpdir(), 'csn-images-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** The service as a process of its own. */
class Service implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #channel: Channel

  private constructor() {
    const env = { PATH: process.env['PATH'] }
    this.#child = spawn(process.execPath, [MAIN, '--root', root], { stdio: ['ignore', 'ignore', 'inherit'], env })
    this.#channel = new Channel(`unix://${join(root, 'run/image-store.sock')}`)
  }

  static async start(): Promise<Service> {
    const service = new Service()
    await service.#channel.ready(20_000)
    return service
  }

  get images() {
    return this.#channel.client(ImagesDefinition)
  }

  get snapshots() {
    return this.#channel.client(SnapshotsDefinition)
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    this.#channel[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  async import(tarBytes: Uint8Array, reference: string): Promise<Image | undefined> {
    let image: Image | undefined
    for await (const { item } of this.images.import(upload({ ...OPTIONS, reference }, tarBytes)))
      if (item?.$case === 'image') image = item.value
    return image
  }
}

const dataDir = join(root, 'image-store')
const entriesOf = (name: string): string[] => readdirSync(join(dataDir, name))

/** The trash is emptied behind the start. */
async function eventually(check: () => boolean): Promise<void> {
  for (let tries = 0; !check(); tries++) {
    assert.ok(tries < 100, 'it did not happen within ten seconds')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('leaves a clean store when it is killed in the middle of an import', { skip }, async () => {
  {
    await using service = await Service.start()
    await service.import(LAYER, 'kept')
    await service.snapshots.prepare({ key: 'kept', base: { $case: 'image', value: 'kept' } })
    async function* endless(): AsyncGenerator<{ item: ImportRequest['item'] }> {
      yield { item: { $case: 'options', value: { ...OPTIONS, reference: 'half' } } }
      for (let at = 0; ; at++) {
        yield { item: { $case: 'chunk', value: tarEntry({ path: `f${at}`, content: Buffer.alloc(100_000, 'x') }) } }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const importing = (async () => {
      for await (const _ of service.images.import(endless()));
    })()
    const failed = assert.rejects(importing)
    const hasFiles = () =>
      entriesOf('staging').some((name) => existsSync(join(dataDir, 'staging', name, 'layer/fs/f9')))
    await eventually(hasFiles)
    await service.kill()
    await failed
    assert.equal(entriesOf('staging').length, 1)
  }
  await using service = await Service.start()
  const { images } = await service.images.list({})
  assert.deepEqual(
    images.flatMap(({ names }) => names),
    ['docker.io/library/kept:latest'],
  )
  assert.deepEqual(entriesOf('staging'), [])
  await eventually(() => entriesOf('trash').length === 0)
  assert.deepEqual(entriesOf('snapshots'), ['kept'])
  assert.equal(entriesOf('layers').length, 1)
})

test('keeps what it acknowledged when it is killed right after', { skip }, async () => {
  let image: Image | undefined
  {
    await using service = await Service.start()
    image = await service.import(tar([{ path: 'a', content: 'acknowledged' }]), 'acknowledged')
    await service.snapshots.prepare({ key: 'acknowledged', base: { $case: 'image', value: 'acknowledged' } })
  }
  await using service = await Service.start()
  assert.equal((await service.images.get({ image: 'acknowledged' })).id, image?.id)
  const { mount } = await service.snapshots.get({ key: 'acknowledged' })
  for (const path of [...(mount?.lowerDirs ?? []), mount?.upperDir ?? '', mount?.workDir ?? ''])
    assert.ok(existsSync(path))
})

test('brings database and folders to agreement before it serves', { skip }, async () => {
  const own = mkdtempSync(join(tmpdir(), 'csn-images-'))
  try {
    let layer = ''
    {
      await using store = await ImageStoreFixture.open({ root: own })
      const image = await store.import(LAYER, { reference: 'a' })
      await store.import(tar([{ path: 'b', content: 'b' }]), { reference: 'b' })
      for (const key of ['whole', 'lost', 'half'])
        await store.snapshots.prepare({ key, base: { $case: 'image', value: 'a' } })
      layer = image.layers[0]?.diffId ?? ''
      rmSync(join(store.dir.snapshots, 'lost'), { recursive: true })
      rmSync(join(store.dir.snapshots, 'half/work'), { recursive: true })
      rmSync(store.dir.layer(layer as Parameters<typeof store.dir.layer>[0]), { recursive: true })
      mkdirSync(join(store.dir.snapshots, 'stray/fs'), { recursive: true })
      mkdirSync(join(store.dir.layers, 'stray'))
      mkdirSync(join(store.dir.staging, 'stray'))
      mkdirSync(join(store.dir.blobs, 'sha256/zz'))
      writeFileSync(join(store.dir.blobs, 'sha256/zz/stray'), 'x')
    }
    await using store = await ImageStoreFixture.open({ root: own })
    assert.deepEqual(readdirSync(store.dir.snapshots).sort(), ['half', 'lost', 'whole'])
    assert.deepEqual(readdirSync(store.dir.staging), [])
    assert.deepEqual(readdirSync(join(store.dir.blobs, 'sha256/zz')), [])
    assert.equal(readdirSync(store.dir.layers).length, 1)
    const whole = await store.snapshots.get({ key: 'whole' })
    assert.ok(existsSync(join(whole.mount?.lowerDirs[0] ?? '', 'etc/passwd')))
    // A layer that is gone is unpacked again from its blob when it is wanted.
    const { mount } = await store.snapshots.prepare({ key: 'new', base: { $case: 'image', value: 'a' } })
    assert.ok(existsSync(join(mount?.lowerDirs[0] ?? '', 'etc/passwd')))
    assert.deepEqual((await store.snapshots.get({ key: 'lost' })).mount?.lowerDirs, mount?.lowerDirs)
    assert.ok(existsSync((await store.snapshots.get({ key: 'half' })).mount?.workDir ?? ''))
    await store.store.settled()
    assert.deepEqual(readdirSync(store.dir.trash), [])
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
})
