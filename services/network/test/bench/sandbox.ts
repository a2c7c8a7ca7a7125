/**
 * What a sandbox costs inside the network service, without gRPC: taken ready from the shelf, made on demand, and deleted.
 * As root: node services/network/test/bench/sandbox.ts [rounds]. It runs in network and mount namespaces of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@caisson/service-kit'
import { inNamespaces } from '@caisson/testkit'
import { Resolver } from '../../src/name-server/resolver.ts'
import type { SandboxWish } from '../../src/sandbox/sandbox.ts'
import { bridgeWish, request, startEngine, type TestEngine } from '../engine.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)

const rounds = Number(process.argv[2] ?? 200)
const never = new AbortController().signal
const bareWish: SandboxWish = { mode: 'none', namespacePath: undefined }

async function timed(into: number[], work: () => unknown): Promise<void> {
  const start = performance.now()
  await work()
  into.push((performance.now() - start) * 1000)
}

function report(title: string, times: readonly number[]): void {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (part: number): string =>
    Math.round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN)
      .toString()
      .padStart(7)
  console.log(`${title.padEnd(44)} min ${at(0)}  median ${at(0.5)}  p90 ${at(0.9)}  µs`)
}

async function measure(title: string, engine: TestEngine, wish: SandboxWish, pauseMs: number): Promise<void> {
  const { sandboxes } = engine.service
  const [creating, deleting]: [number[], number[]] = [[], []]
  await sandboxes.create(request('warm', wish), 'bench', never)
  await sleep(500)
  for (let round = 0; round < rounds; round++) {
    await timed(creating, () => sandboxes.create(request(`s${round}`, wish), 'bench', never))
    await sleep(pauseMs)
    await timed(deleting, () => sandboxes.delete(`s${round}`, 'bench'))
    await sleep(pauseMs)
  }
  await sandboxes.delete('warm', 'bench')
  report(`${title}: create`, creating)
  report(`${title}: delete`, deleting)
}

const scenarios = [
  ['bridge, from the shelf', 8, bridgeWish, 15],
  ['bridge, made on demand', 0, bridgeWish, 5],
  ['none, from the shelf', 8, bareWish, 10],
  ['none, made on demand', 0, bareWish, 5],
] as const

for (const [title, size, wish, pauseMs] of scenarios) {
  const root = mkdtempSync('/tmp/caisson-network-')
  const log = createLogger('network', 'error')
  const resolver = new Resolver({ runDir: join(root, 'run'), log })
  const engine = startEngine(root, { poolSize: size, barePoolSize: size }, resolver)
  resolver.settle()
  await measure(title, engine, wish, pauseMs)
  await engine.service.close()
  engine[Symbol.dispose]()
  resolver[Symbol.dispose]()
  rmSync(root, { recursive: true })
}
