// What a container costs: create + start + exit + remove of `true` over the gRPC API, side by side with whatever of crun,
// runc and podman is installed, in the same run and in turns; and the memory of monitors and of the idle services.
// Usage, as root: node test/bench/containers.ts [runs]
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVICES } from '@caisson/api'
import { SandboxMode } from '@caisson/api/network'
import { busyboxRootfs, importImage, staticProgram, TestEngine } from '@caisson/testkit'
import { writeBundle } from './bundle.ts'
import { type Figures, figures, printFigures } from './figures.ts'

const runs = Number(process.argv[2] ?? 60)
const ROUNDS = 3

await using stack = new AsyncDisposableStack()
const dir = mkdtempSync(join(tmpdir(), 'csn-bench-'))
stack.defer(() => rmSync(dir, { recursive: true, force: true }))
const timed = join(dir, 'timed')
writeFileSync(timed, staticProgram(readFileSync(join(import.meta.dirname, 'timed.c'), 'utf8')), { mode: 0o755 })

const archive = busyboxRootfs()
const rootfs = join(dir, 'rootfs')
mkdirSync(rootfs)
execFileSync('tar', ['-x', '-C', rootfs], { input: archive })

const engine = stack.use(await TestEngine.start({ bundled: true }))
await importImage(engine.images, 'bench', archive)

const samples = new Map<string, number[]>()
const contenders: [string, (count: number) => number[] | Promise<number[]>][] = [
  ['caisson, no network', (count) => ours(count, SandboxMode.NONE)],
  ['caisson, bridge', (count) => ours(count, SandboxMode.BRIDGE)],
  ...['crun', 'runc']
    .filter(installed)
    .map((name): [string, (count: number) => number[]] => [`${name} run`, (count) => ociRuntime(name, count)]),
]
for (let round = 0; round < ROUNDS; round++)
  for (const [name, run] of contenders)
    samples.set(name, [...(samples.get(name) ?? []), ...(await run(Math.ceil(runs / ROUNDS)))])

const rows = [...samples].map(([name, times]) => figures(name, times))
const crun = rows.find(({ name }) => name === 'crun run')
console.log('create + start + exit + remove of true, milliseconds')
printFigures(rows, crun)
report('caisson, no network', 1 / 3)
report('caisson, bridge', 2 / 3)
reportNetwork()
await memory()

function installed(name: string): boolean {
  const found = spawnSync(name, ['--version']).status === 0
  if (!found) console.log(`${name}: skipped: not installed`)
  return found
}

function report(name: string, wanted: number): void {
  const row: Figures | undefined = rows.find((candidate) => candidate.name === name)
  if (!row || !crun) return
  const ratio = row.p50 / crun.p50
  console.log(
    `${name}: ${ratio.toFixed(2)} of crun run (wanted: at most ${wanted.toFixed(2)}): ${ratio <= wanted ? 'met' : 'NOT MET'}`,
  )
}

/** What the network adds to a run, of which starting is the greatest part. */
function reportNetwork(): void {
  const [without, bridge] = ['no network', 'bridge'].map((mode) => rows.find(({ name }) => name === `caisson, ${mode}`))
  if (!without || !bridge) return
  const added = bridge.p50 - without.p50
  console.log(`a bridge network adds ${added.toFixed(2)} ms (wanted: at most 1): ${added <= 1 ? 'met' : 'NOT MET'}`)
}

async function ours(count: number, mode: SandboxMode): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count + 3; i++) {
    const begun = performance.now()
    let code: number | undefined
    const spec = { image: 'bench', autoRemove: true, network: { mode }, process: { cmd: { values: ['true'] } } }
    for await (const { item } of engine.containers.run({ create: { spec } }))
      if (item?.$case === 'exited') code = item.value.exitCode
    if (code !== 0) throw new Error(`true ended with ${code}`)
    if (i >= 3) times.push(performance.now() - begun)
  }
  return times
}

/** crun wants no hybrid cgroups: they are hidden from it in a mount namespace of its own, which is made once. */
function ociRuntime(name: string, count: number): number[] {
  const bundle = join(dir, name)
  writeBundle(bundle, rootfs, ['true'])
  const script = `umount /sys/fs/cgroup/unified 2>/dev/null; exec ${timed} ${count + 3} ${name} --root ${dir}/state run --bundle ${bundle} {}`
  const ran = spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${name}: ${ran.stderr}`)
  return ran.stdout
    .trim()
    .split('\n')
    .slice(3)
    .map((line) => Number(line) / 1_000)
}

async function memory(): Promise<void> {
  const { id } = await engine.containers.create({
    spec: { image: 'bench', network: { mode: SandboxMode.NONE }, process: { cmd: { values: ['sleep', '1000'] } } },
  })
  const { pid } = await engine.containers.start({ container: id })
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const monitor = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  const kib = smaps(monitor, /^Private_(?:Clean|Dirty)/)
  console.log(`idle monitor: ${kib} KiB private (wanted: under 205): ${kib < 205 ? 'met' : 'NOT MET'}`)
  for (const service of SERVICES)
    console.log(`${service}: ${(smaps(engine.pid(service), /^Pss:/) / 1_024).toFixed(0)} MiB (PSS)`)
}

function smaps(pid: number, key: RegExp): number {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').split('\n')
  return lines
    .filter((line) => key.test(line))
    .reduce((total, line) => total + Number(/(\d+) kB/.exec(line)?.[1] ?? 0), 0)
}
