// Power cuts while a registry is pushed to: as power-cut.root.test.ts does it for images.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { StorageDefinition } from '@caisson/api/registry'
import { inNamespaces, LoopDisk, type LoopFileSystem, needsLoopDisk, TestEngine } from '@caisson/testkit'
import { cutPower, POINTS, POINTS_PER_DISK, randomNumbers, SEED } from './power-cut.ts'
import { manifestOf, RegistryClient, sha256 } from './registry-client.ts'
import { type Acknowledged, RegistryTraffic } from './registry-traffic.ts'

const skip = inNamespaces()
if (!skip) execFileSync('ip', ['link', 'set', 'lo', 'up'])
/** Tags that are set and removed before a cut, at least. */
const PROMISES = 5
const LONGEST_WAIT_MS = 500
/** Most of what no manifest names is garbage a moment after it came. */
const GRACE_HOURS = 2 / 3_600
const EMPTY = sha256(Buffer.alloc(0))

interface Running extends AsyncDisposable {
  readonly engine: TestEngine
  readonly client: RegistryClient
}

async function startRegistry(root: string): Promise<Running> {
  const garbage = { everyHours: 0, graceHours: GRACE_HOURS }
  const registry = { access: 'open', port: 0, web: false, policy: { deletes: true }, garbage }
  const engine = await TestEngine.start({ root, services: ['registry'], config: { registry } })
  for (let tries = 0; tries < 200; tries++) {
    const port = [...engine.log('registry').matchAll(/"port":(\d+),"msg":"listening"/g)].at(-1)?.[1]
    if (port === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    else {
      const client = new RegistryClient(`http://127.0.0.1:${port}`)
      return { engine, client, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() }
    }
  }
  throw new Error(`the registry does not listen:\n${engine.log('registry')}`)
}

/** What the database lists is there, whole: looked at before a start mends what it can. */
function checkListed(root: string): number {
  const dir = join(root, 'registry')
  using db = new DatabaseSync(join(dir, 'registry.db'))
  const rows = db.prepare('SELECT digest, size FROM blob').all()
  for (const { digest, size } of rows) {
    const hex = String(digest).replace('sha256:', '')
    const bytes = readFileSync(join(dir, 'blobs/sha256', hex.slice(0, 2), hex))
    assert.deepEqual([bytes.length, sha256(bytes)], [size, digest])
  }
  return rows.length
}

/** Files below blobs that have nothing in them. */
function emptyFiles(root: string): string[] {
  const dir = join(root, 'registry/blobs')
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return paths.filter((path) => statSync(path).size === 0 && !path.endsWith(EMPTY.replace('sha256:', '')))
}

async function checkManifest(client: RegistryClient, repository: string, reference: string): Promise<string> {
  const { body } = await client.expect(200, 'GET', `/v2/${repository}/manifests/${reference}`)
  const { config, layers } = JSON.parse(body.toString()) as {
    config: { digest: string }
    layers: { digest: string }[]
  }
  for (const { digest } of [config, ...layers]) {
    const blob = await client.expect(200, 'GET', `/v2/${repository}/blobs/${digest}`)
    assert.equal(sha256(blob.body), digest, `${repository}:${reference}`)
  }
  return sha256(body)
}

/** Every tag that is listed leads to a manifest whose blobs are whole. Gives the digests, by repository:tag. */
async function checkTags(client: RegistryClient): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const { body } = await client.expect(200, 'GET', '/v2/_catalog')
  for (const repository of (JSON.parse(body.toString()) as { repositories: string[] }).repositories) {
    const list = await client.expect(200, 'GET', `/v2/${repository}/tags/list`)
    for (const tag of (JSON.parse(list.body.toString()) as { tags: string[] }).tags)
      found.set(`${repository}:${tag}`, await checkManifest(client, repository, tag))
  }
  return found
}

/**
 * An upload that is still known goes on where it says that it stands. What was sent of it is not promised to be on the disk: it
 * ends as what was sent, or with the digest refused and nothing kept.
 */
async function checkUploads(client: RegistryClient, { uploads }: Acknowledged): Promise<void> {
  for (const [location, { whole }] of [...uploads].slice(-5)) {
    const { status, headers } = await client.ask('GET', location)
    if (status === 404) continue
    assert.equal(status, 204)
    const end = Number(headers.get('range')?.split('-')[1])
    const offset = end === 0 ? 0 : end + 1
    const finished = await client.ask('PUT', `${location}?digest=${sha256(whole)}`, whole.subarray(offset))
    const blob = await client.ask('GET', `/v2/power/uploads/blobs/${sha256(whole)}`)
    if (finished.status === 201) assert.ok(blob.body.equals(whole))
    else assert.deepEqual([finished.status, blob.status], [400, 404], finished.body.toString())
    assert.equal((await client.ask('GET', location)).status, 404)
  }
}

/** Starts a registry on what the power cut left. */
async function checkCopy(copy: LoopDisk, acknowledged: Acknowledged): Promise<void> {
  checkListed(copy.path)
  await using running = await startRegistry(copy.path)
  const { client, engine } = running
  assert.deepEqual(emptyFiles(copy.path), [])
  await checkUploads(client, acknowledged)
  for await (const _ of engine.channel('registry').client(StorageDefinition).collectGarbage({ dryRun: false }));
  const found = await checkTags(client)
  for (const [key, digests] of acknowledged.tags)
    assert.ok(digests.includes(found.get(key) ?? ''), `${key} is ${found.get(key)} and not one of ${digests}`)
  for (const key of acknowledged.gone) assert.equal(found.get(key), undefined, `${key} was removed`)
  const config = Buffer.from('{}')
  await client.expect(201, 'POST', `/v2/power/one/blobs/uploads/?digest=${sha256(config)}`, config)
  const manifest = manifestOf([config], 'after')
  assert.equal((await client.putManifest('power/one', 'after', manifest)).status, 201)
  assert.equal(await checkManifest(client, 'power/one', 'after'), sha256(manifest))
  assert.deepEqual(emptyFiles(copy.path), [])
}

/** Cuts the power at random moments on one disk. Returns how many tags were set and removed. */
async function cutsOnOneDisk(fileSystem: LoopFileSystem, points: number, random: () => number): Promise<number> {
  using disk = LoopDisk.create({ fileSystem, mebibytes: 256, mountOptions: 'commit=1000' })
  await using running = await startRegistry(disk.path)
  const { engine, client } = running
  const traffic = new RegistryTraffic(client, engine.channel('registry').client(StorageDefinition), random)
  for (let point = 0; point < points; point++) {
    const working = traffic.run()
    working.catch(() => {})
    await traffic.more(PROMISES)
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_WAIT_MS))
    const answered = traffic.acknowledged.copy()
    using copy = cutPower(disk, engine, 'registry')
    traffic.end()
    await working
    await checkCopy(copy, answered).catch((cause: unknown) => {
      throw new Error(`power cut ${point} on ${fileSystem} (seed ${SEED})`, { cause })
    })
  }
  return traffic.promises
}

for (const fileSystem of ['ext4', 'btrfs'] as const)
  test(`F-PWR-02: on ${fileSystem} what a registry acknowledged before a power cut is there after it, and all that is listed is whole`, {
    skip: skip || needsLoopDisk(fileSystem),
    timeout: 60_000 + POINTS * 30_000,
  }, async (t) => {
    const points = Math.ceil(POINTS / 2)
    const random = randomNumbers(SEED)
    let promised = 0
    for (let done = 0; done < points; done += POINTS_PER_DISK)
      promised += await cutsOnOneDisk(fileSystem, Math.min(POINTS_PER_DISK, points - done), random)
    t.diagnostic(`seed ${SEED}: ${points} cuts, ${promised} tags were set or removed`)
    assert.ok(promised >= points * PROMISES)
  })
