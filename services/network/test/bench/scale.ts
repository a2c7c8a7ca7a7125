/**
 * What many cost: a start, a network made and removed, a connect, with 10 sandboxes on one network, and with 1,000 on 200;
 * over gRPC, on a real kernel; the restart of the service with all of them, its memory, and their end. As root:
 * node services/network/test/bench/scale.ts [sandboxes] [networks]. It runs in network and mount namespaces of its own.
 */
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SandboxMode } from '@caisson/api/network'
import { inNamespaces } from '@caisson/testkit'
import { run } from '../engine.ts'
import { newRoot, type ServiceProcess, startService, stopService } from '../service-process.ts'
import { median, milliseconds, row, verdict } from './figures.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)

const MANY = Number(process.argv[2] ?? 1_000)
const NETWORKS = Number(process.argv[3] ?? 200)
const FEW = 10
const ROUNDS = 60
const AT_ONCE = 8
// Long enough for the shelf to be full again.
const PAUSE_MS = 25

const modes = {
  none: { mode: SandboxMode.NONE },
  'default network': {},
  'own network': { attachments: [{ network: 'net-0' }] },
}

type Sample = Record<string, number[]>

async function starts(served: ServiceProcess): Promise<Sample> {
  const times: Sample = {}
  for (const [title, wish] of Object.entries(modes)) {
    const [creating, deleting]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      creating.push(await milliseconds(() => served.sandboxes.create({ id: 'timed', ...wish })))
      await sleep(PAUSE_MS)
      deleting.push(await milliseconds(() => served.sandboxes.delete({ id: 'timed' })))
      await sleep(PAUSE_MS)
    }
    times[`create, ${title}`] = creating.slice(5)
    times[`delete, ${title}`] = deleting.slice(5)
  }
  return times
}

async function changes(served: ServiceProcess): Promise<Sample> {
  const [making, removing, connecting, leaving]: [number[], number[], number[], number[]] = [[], [], [], []]
  await served.sandboxes.create({ id: 'timed' })
  for (let round = 0; round < ROUNDS / 3; round++) {
    making.push(await milliseconds(() => served.networks.create({ name: 'timed' })))
    const attachment = { network: 'timed' }
    connecting.push(await milliseconds(() => served.sandboxes.connect({ sandboxId: 'timed', attachment })))
    leaving.push(await milliseconds(() => served.sandboxes.disconnect({ sandboxId: 'timed', network: 'timed' })))
    removing.push(await milliseconds(() => served.networks.delete({ network: 'timed' })))
  }
  await served.sandboxes.delete({ id: 'timed' })
  return { 'network create': making, 'network delete': removing, connect: connecting, disconnect: leaving }
}

const measure = async (served: ServiceProcess): Promise<Sample> => ({
  ...(await starts(served)),
  ...(await changes(served)),
})

async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

const add = (served: ServiceProcess, from: number, to: number, networks: number): Promise<void> =>
  each(to - from, async (index) => {
    const network = `net-${(from + index) % networks}`
    await served.sandboxes.create({ id: `s${from + index}`, attachments: [{ network }] })
  })

const residentMiB = (served: ServiceProcess): string =>
  (Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${served.process.pid}/status`, 'utf8'))?.[1]) / 1024).toFixed(0)

async function restart(root: string, served: ServiceProcess): Promise<{ served: ServiceProcess; ms: number }> {
  await stopService(served, 'SIGTERM')
  const start = performance.now()
  return { served: await startService(root), ms: performance.now() - start }
}

run('ip link set lo up; mount -t sysfs sysfs /sys')
const root = newRoot({ poolSize: 4, barePoolSize: 2 })
let served = await startService(root)
await served.networks.create({ name: 'net-0' })
await add(served, 0, FEW, 1)
const few = await measure(served)
const restartFew = await restart(root, served)
served = restartFew.served
const memoryFew = residentMiB(served)
const growing = await milliseconds(async () => {
  await each(NETWORKS - 1, (index) => served.networks.create({ name: `net-${index + 1}` }))
})
const filling = await milliseconds(() => add(served, FEW, MANY, NETWORKS))
const many = await measure(served)
const restartMany = await restart(root, served)
served = restartMany.served
const memoryMany = residentMiB(served)

for (const [title, times] of Object.entries(few)) {
  console.log(row(`${title}, ${FEW} there`, times))
  console.log(row(`${title}, ${MANY} on ${NETWORKS} networks`, many[title] ?? []))
}
for (const title of Object.keys(modes).map((mode) => `create, ${mode}`))
  console.log(verdict(`${title}: many against few`, median(many[title] ?? []) / median(few[title] ?? []), 2, ' times'))
console.log(`${NETWORKS} networks made in ${growing.toFixed(0)} ms, ${MANY} sandboxes in ${filling.toFixed(0)} ms`)
console.log(
  `restart: ${restartFew.ms.toFixed(0)} ms with ${FEW} (${memoryFew} MiB), ${restartMany.ms.toFixed(0)} ms with ${MANY} (${memoryMany} MiB)`,
)
console.log(`restored: ${(await served.sandboxes.list({ page: { size: 1 } })).sandboxes.length > 0}`)

let worst = 0
let beating = true
const heart = (async () => {
  while (beating) {
    worst = Math.max(worst, await milliseconds(() => served.sandboxes.get({ id: 'no such' }).catch(() => undefined)))
    await sleep(5)
  }
})()
const emptying = await milliseconds(() => each(MANY, (index) => served.sandboxes.delete({ id: `s${index}` })))
const pruning = await milliseconds(() => served.networks.prune({}))
beating = false
await heart
console.log(
  `removed: sandboxes in ${emptying.toFixed(0)} ms, networks in ${pruning.toFixed(0)} ms; another call waited at most ${worst.toFixed(0)} ms`,
)
await stopService(served, 'SIGTERM')
rmSync(root, { recursive: true })
