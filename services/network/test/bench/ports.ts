/**
 * What publishing costs inside the network service, without gRPC: one port, a range of 10,000 that keeps its numbers, and
 * one that shifts them; time, and memory of this process and of the kernel (slab). With iperf3: throughput through a
 * published port against the bare pair of interfaces. As root: node services/network/test/bench/ports.ts [rounds]. It runs
 * in network and mount namespaces of its own.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inNamespaces } from '@caisson/testkit'
import type { PortWish } from '../../src/publishing/published-port.ts'
import { bridgeWish, request, run, startEngine, type TestEngine } from '../engine.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)

const rounds = Number(process.argv[2] ?? 20)
const never = new AbortController().signal
const PORTS = 10_000
const HOST = '198.51.100.1'

const slabBytes = (): number => Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)

const port = (hostPort: number, containerPort: number, count = 1): PortWish => ({
  transport: 'tcp',
  hostAddress: undefined,
  hostPort,
  containerPort,
  count,
})

async function measure(title: string, { service }: TestEngine, wish: PortWish): Promise<void> {
  const [publishing, withdrawing]: [number[], number[]] = [[], []]
  const slab: number[] = []
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  for (let round = 0; round < rounds; round++) {
    const empty = slabBytes()
    const start = performance.now()
    await service.sandboxes.publish('bench', [wish], 'bench')
    const published = performance.now()
    publishing.push(published - start)
    slab.push(slabBytes() - empty)
    const again = performance.now()
    await service.sandboxes.publish('bench', [], 'bench')
    withdrawing.push(performance.now() - again)
    await sleep(20)
  }
  globalThis.gc?.()
  const process_ = mebibytes(process.memoryUsage().rss - before)
  console.log(
    `${title.padEnd(40)} publish ${figures(publishing)}  withdraw ${figures(withdrawing)} ms   ` +
      `kernel ${mebibytes(middle(slab))} MiB  service +${process_} MiB after ${rounds} rounds`,
  )
}

const sorted = (values: readonly number[]): number[] => values.toSorted((one, other) => one - other)
const middle = (values: readonly number[]): number => sorted(values)[values.length >> 1] ?? Number.NaN
const figures = (values: readonly number[]): string =>
  `min ${(sorted(values)[0] ?? Number.NaN).toFixed(2)} median ${middle(values).toFixed(2)}`

/** Gigabits a second from outside, to a server inside. */
function throughput(address: string, serverPort: number): number {
  const command = ['netns', 'exec', 'outside', 'iperf3', '-J', '-t', '3', '-c', address, '-p', String(serverPort)]
  const { stdout } = spawnSync('ip', command, { encoding: 'utf8', maxBuffer: 1 << 24 })
  return JSON.parse(stdout).end.sum_received.bits_per_second / 1e9
}

async function iperf(engine: TestEngine): Promise<void> {
  if (spawnSync('iperf3', ['--version']).status !== 0)
    return console.log('throughput: skipped, iperf3 is not installed')
  await engine.service.sandboxes.publish('bench', [port(8080, 5201)], 'bench')
  const inside = engine.host.namespacePath(engine.store.sandbox('bench')?.namespace?.id ?? '')
  const servers = [
    spawn('nsenter', [`--net=${inside}`, 'iperf3', '-s', '-p', '5201'], { stdio: 'ignore' }),
    spawn('iperf3', ['-s', '-p', '5202'], { stdio: 'ignore' }),
  ]
  await sleep(1_000)
  for (const [title, address, at] of [
    ['the bare pair of interfaces', HOST, 5202],
    ['a published port', HOST, 8080],
  ] as const)
    console.log(`${`throughput, ${title}`.padEnd(40)} ${throughput(address, at).toFixed(2)} Gbit/s`)
  for (const server of servers) server.kill()
}

run(`ip link set lo up; mount -t sysfs sysfs /sys
  ip netns add outside 2>/dev/null || { mount -t tmpfs tmpfs /run; ip netns add outside; }
  ip link add uplink type veth peer name eth0 netns outside; ip addr add ${HOST}/24 dev uplink; ip link set uplink up
  ip -n outside addr add 198.51.100.2/24 dev eth0; ip -n outside link set eth0 up; ip -n outside link set lo up`)
const root = mkdtempSync('/tmp/caisson-network-')
const engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
await engine.service.sandboxes.create(request('bench', bridgeWish), 'bench', never)
await measure('one port', engine, port(8080, 80))
await measure(`a range of ${PORTS}, same numbers`, engine, port(8000, 8000, PORTS))
await measure(`a range of ${PORTS}, shifted`, engine, port(8000, 20_000, PORTS))
await iperf(engine)
await engine.service.sandboxes.delete('bench', 'bench')
await engine.service.close()
engine[Symbol.dispose]()
run('ip netns del outside')
rmSync(root, { recursive: true })
