// What a registry costs, side by side with Debian's docker-registry: manifests and a large blob read by wrk, large blobs
// and many small images pushed by this process; and the peak memory of the service during all of it. Both serve plain http
// on the loopback, to everybody, from their usual files on the same disk. Turns are interleaved.
// Usage, after a build: node test/bench/registry.ts [rounds] [seconds] [a part of what is measured, as 'GET of a blob']
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figures, figures, printFigures } from './figures.ts'
import { peakMemory } from './peak-memory.ts'
import { caisson, docker, type RegistryKind, type RunningRegistry } from './registries.ts'
import { type Descriptor, digestOf, RegistryClient } from './registry-client.ts'
import { lackOfWrk, wrk } from './wrk.ts'

const lack = lackOfWrk() ?? docker.lacks
if (lack !== undefined) {
  console.log(`skipped: ${lack}`)
  process.exit(0)
}
const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 3)
const part = process.argv[4] ?? ''
const MIB = 1 << 20
const BLOB_MIB = 256
const IMAGES = 1_000
const AT_ONCE = 8
const MEMORY_MIB = 150
const REPOSITORY = 'bench/app'
/** What a client in Go writes at a time. */
const CHUNK = 32 << 10

interface Contender extends RunningRegistry {
  readonly kind: RegistryKind
  readonly client: RegistryClient
  /** Of a small manifest that is tagged `small`. */
  readonly digest: string
  readonly layer: Descriptor
  readonly largeBlob: string
}

/** One thing that is measured: what it is counted in, and how far ahead it has to be. */
interface Scenario {
  readonly name: string
  readonly unit: 'requests a second' | 'MiB a second' | 'milliseconds'
  readonly wanted: number
  readonly run: (contender: Contender) => Promise<number>
}

await using stack = new AsyncDisposableStack()
const dir = mkdtempSync(join(tmpdir(), 'csn-bench-'))
stack.defer(() => rmSync(dir, { recursive: true, force: true }))
// The supervisor would go on without us.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)))
let images = 0

const scenarios = [
  manifests('manifest by its tag', ({ url }) => `${url}/v2/${REPOSITORY}/manifests/small`),
  manifests('manifest by its digest', ({ url, digest }) => `${url}/v2/${REPOSITORY}/manifests/${digest}`),
  blob(1),
  blob(AT_ONCE),
  timed(`upload of ${BLOB_MIB} MiB, PATCH and PUT`, ({ client }) => newUpload(client, MIB, false)),
  timed(`upload of ${BLOB_MIB} MiB in HTTP chunks of 32 KiB`, ({ client }) => newUpload(client, CHUNK, true)),
  timed(`${AT_ONCE} uploads of ${BLOB_MIB} MiB at a time`, newUploads),
  timed(
    `push of ${IMAGES} images with a config each, ${AT_ONCE} at a time`,
    (contender) => () => pushImages(contender),
  ),
].filter(({ name }) => name.includes(part))
const contenders = [await open(caisson), await open(docker)]
const samples = scenarios.map((scenario) => ({ scenario, of: contenders.map((): number[] => []) }))
for (let round = 0; round < rounds; round++)
  for (const { scenario, of } of samples)
    for (const [at, contender] of contenders.entries()) {
      // What was written before this turn is not this turn's to wait for.
      execFileSync('sync', ['-f', dir])
      const value = await scenario.run(contender)
      of[at]?.push(value)
      console.error(`${scenario.name}: ${contender.kind.name}: ${value.toFixed(0)} ${scenario.unit}`)
    }
for (const { scenario, of } of samples) report(scenario, of)
await memory()

async function open(kind: RegistryKind): Promise<Contender> {
  const place = join(dir, kind.name)
  mkdirSync(place)
  const running = stack.use(await kind.open(place))
  const client = stack.use(new RegistryClient(running.url, AT_ONCE))
  const layer = await small(client, 'application/vnd.oci.image.layer.v1.tar+gzip')
  const config = await small(client, 'application/vnd.oci.image.config.v1+json')
  const digest = await client.putManifest(REPOSITORY, 'small', config, layer)
  return { ...running, kind, client, digest, layer, largeBlob: await newUpload(client, MIB, false)() }
}

async function small(client: RegistryClient, mediaType: string): Promise<Descriptor> {
  const piece = randomBytes(600)
  const digest = digestOf(piece)
  await client.upload(REPOSITORY, { piece, times: 1 }, digest)
  return { mediaType, digest, size: piece.length }
}

function manifests(name: string, urlOf: (contender: Contender) => string): Scenario {
  const load = { connections: 16, seconds, headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } }
  const run = async (contender: Contender) => (await wrk({ ...load, url: urlOf(contender) })).requestsPerSecond
  return { name: `GET of a small ${name}`, unit: 'requests a second', wanted: 2, run }
}

function blob(connections: number): Scenario {
  const name = `GET of a blob of ${BLOB_MIB} MiB, ${connections} at a time`
  const run = async ({ url, largeBlob }: Contender): Promise<number> =>
    (await wrk({ url: `${url}/v2/${REPOSITORY}/blobs/${largeBlob}`, connections, seconds })).bytesPerSecond / MIB
  return { name, unit: 'MiB a second', wanted: 1, run }
}

/** `prepare` returns what the clock is held at. */
function timed(name: string, prepare: (contender: Contender) => () => Promise<unknown>): Scenario {
  const run = async (contender: Contender): Promise<number> => {
    const work = prepare(contender)
    // Those of the last turn may have been closed meanwhile for doing nothing.
    contender.client.closeIdle()
    const begun = performance.now()
    await work()
    return performance.now() - begun
  }
  return { name, unit: 'milliseconds', wanted: 1, run }
}

/** Sends bytes that nobody has had before. Returns their digest. */
function newUpload(client: RegistryClient, size: number, isChunked: boolean): () => Promise<string> {
  const body = { piece: randomBytes(size), times: (BLOB_MIB * MIB) / size }
  const digest = digestOf(body.piece, body.times)
  return async () => {
    await client.upload(REPOSITORY, body, digest, isChunked)
    return digest
  }
}

function newUploads({ client }: Contender): () => Promise<unknown> {
  const all = Array.from({ length: AT_ONCE }, () => newUpload(client, MIB, false))
  return () => Promise.all(all.map((send) => send()))
}

async function pushImages({ client, layer }: Contender): Promise<void> {
  const push = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await client.pushImage(REPOSITORY, `image-${images++}`, layer)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, () => push(IMAGES / AT_ONCE)))
}

function report({ name, unit, wanted }: Scenario, of: readonly number[][]): void {
  const rows = contenders.map(({ kind }, at): Figures => figures(kind.name, of[at] ?? []))
  const [ours, theirs] = rows
  if (!ours || !theirs) return
  const ratio = unit === 'milliseconds' ? theirs.p50 / ours.p50 : ours.p50 / theirs.p50
  console.log(`\n${name}, ${unit}`)
  printFigures(rows, theirs)
  console.log(`${ratio.toFixed(2)} times as fast (wanted: at least ${wanted}): ${ratio >= wanted ? 'met' : 'NOT MET'}`)
}

/** All of it once more: looking takes time too. */
async function memory(): Promise<void> {
  const [ours] = contenders
  if (!ours) return
  console.log(`\npeak memory of the service, MiB (PSS)`)
  let most = 0
  for (const { name, run } of scenarios) {
    const peak = await peakMemory(ours.pid, async () => void (await run(ours)))
    console.log(`${peak.toFixed(0).padStart(5)}  ${name}`)
    most = Math.max(most, peak)
  }
  console.log(`at most ${most.toFixed(0)} (wanted: under ${MEMORY_MIB}): ${most < MEMORY_MIB ? 'met' : 'NOT MET'}`)
}
