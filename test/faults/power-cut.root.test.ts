// Power cuts while images come in. The store is on a file system that commits nothing by itself; at a random moment its disk is
// copied as it is, and the copy holds what a disk would hold after the power failed: see LoopDisk.cut.
// An fsync of any file brings all that went before to an ext4, names too; btrfs brings that file alone.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { StoreDefinition } from '@caisson/api/content'
import {
  type DockerRegistry,
  inNamespaces,
  LoopDisk,
  type LoopFileSystem,
  loadImages,
  needsDockerRegistry,
  needsLoopDisk,
  pullImages,
  startDockerRegistry,
  TestEngine,
} from '@caisson/testkit'
import { type LayeredImage, layeredImage, readTree } from './layered-image.ts'
import { cutPower, POINTS, POINTS_PER_DISK, randomNumbers, SEED } from './power-cut.ts'

const skip = inNamespaces() || needsDockerRegistry()
/** Changes before the first cut. They fill the log of the database, which is then written over: it no longer grows. */
const WARM_UP = 400

let registry: DockerRegistry
let work: string

before(async () => {
  if (skip) return
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  registry = await startDockerRegistry()
  work = mkdtempSync(join(tmpdir(), 'csn-power-'))
})

after(async () => {
  await registry?.stop()
  if (work) rmSync(work, { recursive: true })
})

/** What was answered, and so must be there after the cut. */
interface Acknowledged {
  /** Names, and the ids of their images. */
  readonly names: Map<string, string>
  readonly snapshots: Set<string>
}

const startStore = (root: string): Promise<TestEngine> => TestEngine.start({ root, services: ['image-store'] })

/** Makes the image come in, names it anew and prepares a snapshot; tells of each step once it was answered. */
async function bringIn(engine: TestEngine, image: LayeredImage, how: 'load' | 'pull', acknowledged: Acknowledged) {
  const reference = how === 'pull' ? `${registry.address}/${image.name.replace('power.test/', '')}` : image.name
  const [came] =
    how === 'pull' ? await pullImages(engine.images, reference) : await loadImages(engine.images, pieces(image.archive))
  if (!came) throw new Error(`${image.name} did not come`)
  acknowledged.names.set(reference, came.id)
  const also = image.name.replace('power.test/', 'also.test/')
  await engine.images.tag({ image: reference, reference: also })
  acknowledged.names.set(also, came.id)
  const key = also.replace(/\W/g, '-')
  await engine.snapshots.prepare({ key, base: { $case: 'image', value: also } })
  acknowledged.snapshots.add(key)
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 256 << 10) yield bytes.subarray(at, at + (256 << 10))
}

/** Puts the image where it can be pulled from. */
function offer(image: LayeredImage): void {
  const file = join(work, 'offer.tar')
  writeFileSync(file, image.archive)
  const to = `docker://${registry.address}/${image.name.replace('power.test/', '')}`
  execFileSync('skopeo', ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', `docker-archive:${file}`, to])
}

/** What the database lists is there: looked at before a start mends what it can. */
function checkListed(root: string): void {
  const dir = join(root, 'image-store')
  using db = new DatabaseSync(join(dir, 'image-store.db'))
  const digests = (query: string): string[] =>
    db
      .prepare(query)
      .all()
      .map(({ digest }) => String(digest).replace('sha256:', ''))
  const blobs = digests('SELECT digest FROM blob').map((hex) => join('blobs/sha256', hex.slice(0, 2), hex))
  const layers = digests('SELECT chain_id AS digest FROM layer').map((hex) => join('layers', hex, 'fs'))
  for (const path of [...blobs, ...layers]) assert.ok(existsSync(join(dir, path)), `${path} is listed and not there`)
}

/** Every unpacked layer is whole: it holds what its archive holds, to the last byte. */
function checkLayers(root: string, images: readonly LayeredImage[]): number {
  const wanted = new Map(images.flatMap(({ layers }) => [...layers]))
  const layers = readdirSync(join(root, 'image-store/layers'))
  for (const id of layers) {
    const manifest = wanted.get(id)
    if (manifest) assert.deepEqual(readTree(join(root, 'image-store/layers', id, 'fs')), manifest, `layer ${id}`)
  }
  return layers.length
}

async function checkContent(engine: TestEngine): Promise<void> {
  const store = engine.channel('image-store').client(StoreDefinition)
  for await (const { item } of store.verify({}))
    if (item?.$case === 'damage') assert.fail(`${item.value.subject}: ${item.value.message}`)
}

async function checkAcknowledged(engine: TestEngine, { names, snapshots }: Acknowledged): Promise<void> {
  for (const [image, id] of names) assert.equal((await engine.images.get({ image })).id, id, image)
  for (const key of snapshots) {
    const { mount } = await engine.snapshots.get({ key })
    for (const path of [mount?.upperDir ?? '', mount?.workDir ?? '']) assert.ok(existsSync(path), `${key}: ${path}`)
  }
}

/** Starts a store on what the power cut left. */
async function checkCopy(copy: LoopDisk, known: readonly LayeredImage[], acknowledged: Acknowledged): Promise<void> {
  checkListed(copy.path)
  const engine = await startStore(copy.path)
  try {
    checkLayers(copy.path, known)
    await checkContent(engine)
    await checkAcknowledged(engine, acknowledged)
    const last = known.at(-1)
    if (!last) return
    await loadImages(engine.images, pieces(last.archive))
    await engine.snapshots.prepare({ key: 'after', base: { $case: 'image', value: last.name } })
    assert.ok(checkLayers(copy.path, known) >= last.layers.size)
    await checkContent(engine)
  } finally {
    await engine[Symbol.asyncDispose]()
  }
}

const snapshotOf = ({ names, snapshots }: Acknowledged): Acknowledged => ({
  names: new Map(names),
  snapshots: new Set(snapshots),
})

async function warmUp(engine: TestEngine, known: LayeredImage[], acknowledged: Acknowledged): Promise<void> {
  const image = layeredImage(0)
  known.push(image)
  await bringIn(engine, image, 'load', acknowledged)
  for (let at = 0; at < WARM_UP; at++)
    await engine.images.tag({ image: image.name, reference: `warm.test/up:${at % 5}` })
}

/** Cuts the power at random moments on one disk. Returns how many of the cuts were within the work. */
async function cutsOnOneDisk(
  fileSystem: LoopFileSystem,
  points: number,
  first: number,
  random: () => number,
): Promise<number> {
  using disk = LoopDisk.create({ fileSystem, mebibytes: 1_024, mountOptions: 'commit=1000' })
  const engine = await startStore(disk.path)
  const known: LayeredImage[] = []
  const acknowledged: Acknowledged = { names: new Map(), snapshots: new Set() }
  let within = 0
  let usual = 400
  try {
    await warmUp(engine, known, acknowledged)
    for (let point = first; point < first + points; point++) {
      const image = layeredImage(point + 1)
      const how = point % 2 === 0 ? 'load' : 'pull'
      if (how === 'pull') offer(image)
      known.push(image)
      const begun = performance.now()
      let isDone = false
      const incoming = bringIn(engine, image, how, acknowledged).finally(() => {
        isDone = true
        usual = performance.now() - begun
      })
      await Promise.race([incoming, new Promise((resolve) => setTimeout(resolve, random() * usual))])
      if (!isDone) within++
      const answered = snapshotOf(acknowledged)
      using copy = cutPower(disk, engine, 'image-store')
      await incoming
      await checkCopy(copy, known, answered).catch((error: unknown) => {
        throw new Error(`power cut ${point} (seed ${SEED}) while an image came by ${how}`, { cause: error })
      })
    }
  } catch (cause) {
    throw new Error(`the store says:\n${engine.log('image-store').slice(-4_000)}`, { cause })
  } finally {
    await engine[Symbol.asyncDispose]()
  }
  return within
}

for (const fileSystem of ['ext4', 'btrfs'] as const)
  test(`F-PWR-01: on ${fileSystem} what was answered before a power cut is there after it, whole, and nothing is there in part`, {
    skip: skip || needsLoopDisk(fileSystem),
    timeout: 120_000 + POINTS * 30_000,
  }, async (t) => {
    const points = Math.ceil(POINTS / 2)
    const random = randomNumbers(SEED)
    let within = 0
    for (let done = 0; done < points; done += POINTS_PER_DISK)
      within += await cutsOnOneDisk(fileSystem, Math.min(POINTS_PER_DISK, points - done), done, random)
    t.diagnostic(`seed ${SEED}: ${points} cuts, ${within} of them before everything was answered`)
  })
