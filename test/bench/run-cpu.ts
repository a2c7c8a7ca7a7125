// Where the time of a run goes: processor time of each service, and of what it started, for one `true` without network.
// Usage, as root: node test/bench/run-cpu.ts [runs] [runs before, that are not counted]
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '@caisson/api'
import { SandboxMode } from '@caisson/api/network'
import { busyboxRootfs, importImage, TestEngine } from '@caisson/testkit'
import { figures, printFigures } from './figures.ts'

const [runs = 300, before = 100] = process.argv.slice(2).map(Number)
const MS_PER_TICK = 10

await using engine = await TestEngine.start({ bundled: true })
await importImage(engine.images, 'bench', busyboxRootfs())
for (let i = 0; i < before; i++) await run()
const begun = spent()
const times: number[] = []
for (let i = 0; i < runs; i++) {
  const start = performance.now()
  await run()
  times.push(performance.now() - start)
}
// Until what the last ones had is given back.
await sleep(500)
const ended = spent()
console.log('create + start + exit + remove of true, milliseconds')
printFigures([figures('caisson, no network', times)], undefined)
console.log('processor time of a run, milliseconds')
for (const [part, ms] of Object.entries(ended)) {
  const share = (ms - (begun[part] ?? 0)) / runs
  console.log(`${part.padEnd(32)}${share.toFixed(2)}`)
}

async function run(): Promise<void> {
  const network = { mode: SandboxMode.NONE }
  const spec = { image: 'bench', autoRemove: true, network, process: { cmd: { values: ['true'] } } }
  for await (const { item } of engine.containers.run({ create: { spec } }))
    if (item?.$case === 'exited' && item.value.exitCode !== 0) throw new Error(`true ended with ${item.value.exitCode}`)
}

/** Milliseconds of processor time so far, by part. */
function spent(): Record<string, number> {
  const { user, system } = process.cpuUsage()
  const parts: Record<string, number> = { 'this client': (user + system) / 1_000 }
  for (const service of SERVICES) {
    const stat = readFileSync(`/proc/${engine.pid(service)}/stat`, 'utf8')
    const ticks = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const sum = (from: number): number => ((ticks[from] ?? 0) + (ticks[from + 1] ?? 0)) * MS_PER_TICK
    parts[service] = sum(11)
    parts[`${service}: what it started`] = sum(13)
  }
  return parts
}
