/**
 * What a bridge network adds to a start with a warm pool: Sandboxes.Create and Delete over gRPC, in turns, without a
 * network, on the default network, and on a network that somebody made. As root:
 * node services/network/test/bench/attach.ts [rounds]. It runs in network and mount namespaces of its own.
 */
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SandboxMode } from '@caisson/api/network'
import { inNamespaces } from '@caisson/testkit'
import { run } from '../engine.ts'
import { newRoot, startService, stopService } from '../service-process.ts'
import { median, milliseconds, row, verdict } from './figures.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)

const rounds = Number(process.argv[2] ?? 200)
const WARM_UP = 10
// Long enough for the shelf to be full again.
const PAUSE_MS = 15

const wishes = {
  'no network': { mode: SandboxMode.NONE },
  'default network': {},
  'own network': { attachments: [{ network: 'front' }] },
}

run('ip link set lo up; mount -t sysfs sysfs /sys')
const root = newRoot({ poolSize: 4, barePoolSize: 4 })
const served = await startService(root)
await served.networks.create({ name: 'front' })
const times = new Map(Object.keys(wishes).map((title) => [title, { create: [] as number[], delete: [] as number[] }]))
for (let round = 0; round < rounds + WARM_UP; round++)
  for (const [title, wish] of Object.entries(wishes)) {
    const creating = await milliseconds(() => served.sandboxes.create({ id: 'timed', ...wish }))
    await sleep(PAUSE_MS)
    const deleting = await milliseconds(() => served.sandboxes.delete({ id: 'timed' }))
    await sleep(PAUSE_MS)
    if (round < WARM_UP) continue
    times.get(title)?.create.push(creating)
    times.get(title)?.delete.push(deleting)
  }
for (const step of ['create', 'delete'] as const)
  for (const [title, all] of times) console.log(row(`${step}, ${title}`, all[step]))
const base = median(times.get('no network')?.create ?? [])
for (const [title, all] of times)
  if (title !== 'no network') console.log(verdict(`${title} adds`, median(all.create) - base, 1, ' ms'))
await stopService(served, 'SIGTERM')
rmSync(root, { recursive: true })
