// What images cost: pull with unpack, push, and load of an archive, side by side with whatever of docker and podman is
// installed, and unpacking alone beside bsdtar; and the peak memory of the image store. Everything is cold: each turn has
// a new disk (an ext4 on a file) and each push a new registry. The registry is Debian's, on the loopback of namespaces of
// their own. Turns are interleaved.
// Usage, as root, after a build: node test/bench/images.ts [rounds] [MiB] [files]
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inNamespaces, LoopDisk, needsDockerRegistry, needsLoopDisk, startDockerRegistry } from '@caisson/testkit'
import { writeBenchImage } from './bench-image.ts'
import { type Figures, figures, printFigures } from './figures.ts'
import { caisson, docker, type EngineKind, podman } from './image-engines.ts'
import { peakMemory } from './peak-memory.ts'

const lack = inNamespaces() || needsLoopDisk() || needsDockerRegistry()
if (lack) {
  console.log(`skipped: ${lack}`)
  process.exit(0)
}
const rounds = Number(process.argv[2] ?? 3)
const bytes = Number(process.argv[3] ?? 500) * 2 ** 20
const files = Number(process.argv[4] ?? 40_000)
const LAYERS = 5
/** For an image, its blobs, what docker makes of them meanwhile, and a registry's copy. */
const DISK_MIB = 4_096 + 4 * Math.ceil(bytes / 2 ** 20)
const MEMORY_MIB = 200
const HELPER = join(import.meta.dirname, '../../services/image-store/native/build/caisson-layer')

await using stack = new AsyncDisposableStack()
execFileSync('ip', ['link', 'set', 'lo', 'up'])
const dir = mkdtempSync(join(tmpdir(), 'csn-bench-'))
stack.defer(() => rmSync(dir, { recursive: true, force: true }))

const layout = join(dir, 'layout')
const layers = writeBenchImage(layout, { layers: LAYERS, files, bytes })
const archive = join(dir, 'archive.tar')
skopeo(`oci:${layout}:bench`, `docker-archive:${archive}:bench.test/bench:1`)
const registry = stack.use(await startDockerRegistry())
const source = `${registry.address}/bench:1`
skopeo(`oci:${layout}:bench`, `docker://${source}`)

const samples = { pull: newSamples(), push: newSamples(), load: newSamples(), unpack: newSamples() }
const kinds = [caisson, docker, podman].filter(isPresent)
const hasBsdtar = isPresent({ name: 'bsdtar', lacks: spawnSync('bsdtar', ['--version']).error && 'not installed' })
for (let round = 0; round < rounds; round++) {
  for (const kind of kinds) {
    // What was written before this turn is not this turn's to wait for.
    execFileSync('sync')
    await pullAndPush(kind)
    await load(kind)
  }
  await unpack('caisson-layer', unpackOurs)
  await unpack('caisson-layer, on the disk', (blob, target) => unpackOurs(blob, target, ['--sync']))
  if (!hasBsdtar) continue
  await unpack('bsdtar', (blob, target) => execFileSync('bsdtar', ['-xpf', blob, '-C', target]))
  await unpack('bsdtar, on the disk', (blob, target) => {
    execFileSync('bsdtar', ['-xpf', blob, '-C', target])
    execFileSync('sync', ['-f', target])
  })
}

table('pull + unpack, cold', samples.pull, 'caisson')
wanted('pull + unpack', samples.pull, 'caisson', ['docker', 'podman'], 3)
table('push to an empty registry', samples.push, 'caisson')
wanted('push', samples.push, 'caisson', ['docker', 'podman'], 1)
table('load of a docker-archive, cold', samples.load, 'caisson')
wanted('load', samples.load, 'caisson', ['docker', 'podman'], 1)
table('unpack of the layers, one after the other', samples.unpack, 'caisson-layer')
wanted('unpack', samples.unpack, 'caisson-layer', ['bsdtar'], 1)
wanted('unpack', samples.unpack, 'caisson-layer, on the disk', ['bsdtar, on the disk'], 1)
const peak = await memoryOfPull()
console.log(
  `\nimage-store and its helpers during a pull: at most ${peak.toFixed(0)} MiB PSS (wanted: under ${MEMORY_MIB}): ${peak < MEMORY_MIB ? 'met' : 'NOT MET'}`,
)

function newSamples(): Map<string, number[]> {
  return new Map()
}

function isPresent({ name, lacks }: { readonly name: string; readonly lacks: string | undefined }): boolean {
  if (lacks !== undefined) console.log(`${name}: skipped: ${lacks}`)
  return lacks === undefined
}

function skopeo(from: string, to: string): void {
  execFileSync('skopeo', ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', from, to])
}

async function timed(into: Map<string, number[]>, name: string, work: () => unknown): Promise<void> {
  execFileSync('sync', ['-f', dir])
  const begun = performance.now()
  await work()
  const took = performance.now() - begun
  into.set(name, [...(into.get(name) ?? []), took])
  console.error(`${Object.entries(samples).find(([, times]) => times === into)?.[0]}: ${name}: ${took.toFixed(0)} ms`)
}

async function pullAndPush(kind: EngineKind): Promise<void> {
  using disk = newDisk()
  await using engine = await kind.open(disk.path)
  await timed(samples.pull, kind.name, () => engine.pull(source))
  await using empty = await startDockerRegistry()
  await timed(samples.push, kind.name, () => engine.push(source, `${empty.address}/pushed:1`))
}

/** In a pull of its own: looking takes time too. */
async function memoryOfPull(): Promise<number> {
  using disk = newDisk()
  await using engine = await caisson.open(disk.path)
  return await peakMemory(engine.pid ?? 0, () => engine.pull(source))
}

async function load(kind: EngineKind): Promise<void> {
  using disk = newDisk()
  await using engine = await kind.open(disk.path)
  await timed(samples.load, kind.name, () => engine.load(archive))
}

async function unpack(name: string, one: (blob: string, target: string) => void): Promise<void> {
  using disk = newDisk()
  const targets = layers.map((_, at) => join(disk.path, String(at)))
  for (const target of targets) mkdirSync(target)
  await timed(samples.unpack, name, () => {
    for (const [at, blob] of layers.entries()) one(blob, targets[at] ?? '')
  })
}

function unpackOurs(blob: string, target: string, more: readonly string[] = []): void {
  const [from, to] = [openSync(blob, 'r'), openSync(target, 'r')]
  try {
    const limits = ['--max-bytes', String(2 ** 40), '--max-entries', String(2 ** 31)]
    const ran = spawnSync(HELPER, ['unpack', ...limits, ...more], { stdio: ['ignore', 'pipe', 'inherit', from, to] })
    if (ran.status !== 0) throw new Error(`caisson-layer: ${ran.stdout}`)
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

function newDisk(): LoopDisk {
  return LoopDisk.create({ mebibytes: DISK_MIB })
}

function rowsOf(times: ReadonlyMap<string, readonly number[]>): Figures[] {
  return [...times].map(([name, values]) => figures(name, values))
}

function table(title: string, times: ReadonlyMap<string, readonly number[]>, base: string): void {
  const rows = rowsOf(times)
  console.log(`\n${title}, milliseconds`)
  printFigures(
    rows,
    rows.find(({ name }) => name === base),
  )
}

function wanted(
  what: string,
  times: ReadonlyMap<string, readonly number[]>,
  own: string,
  peers: string[],
  factor: number,
): void {
  const ours = figures(own, times.get(own) ?? [])
  for (const name of peers) {
    const values = times.get(name)
    if (!values) continue
    const ratio = figures(name, values).p50 / ours.p50
    console.log(
      `${what}: ${ratio.toFixed(2)} times as fast as ${name} (wanted: at least ${factor}): ${ratio >= factor ? 'met' : 'NOT MET'}`,
    )
  }
}
