/**
 * Throughput of a bare veth pair, of container to container, and of a published port from outside; iperf3, in turns, in one
 * run. As root: node services/network/test/bench/throughput.ts [rounds] [seconds]. It runs in network and mount namespaces
 * of its own.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inNamespaces } from '@caisson/testkit'
import { formatIpv4 } from '../../src/ipam/ipv4.ts'
import { request, run, startEngine } from '../engine.ts'
import { median } from './figures.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)
if (spawnSync('iperf3', ['--version']).status !== 0) {
  console.log('throughput: skipped: iperf3 is not installed')
  process.exit(0)
}

const rounds = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 2)
const SHARE = 0.95
const HOST = '198.51.100.1'

run(`ip link set lo up; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
  for name in left right outside; do ip netns add $name; ip -n $name link set lo up; done
  ip -n left link add eth0 type veth peer name eth0 netns right
  ip -n left addr add 192.0.2.1/24 dev eth0; ip -n left link set eth0 up
  ip -n right addr add 192.0.2.2/24 dev eth0; ip -n right link set eth0 up
  ip link add uplink type veth peer name eth0 netns outside; ip addr add ${HOST}/24 dev uplink; ip link set uplink up
  ip -n outside addr add 198.51.100.2/24 dev eth0; ip -n outside link set eth0 up`)
const bridgeRules = '/proc/sys/net/bridge/bridge-nf-call-iptables'
console.log(
  `bridged packets pass the rules of IP: ${existsSync(bridgeRules) ? readFileSync(bridgeRules, 'utf8').trim() : 'no such kernel'}`,
)

const root = mkdtempSync('/tmp/caisson-network-')
const engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
const never = new AbortController().signal
const port = { transport: 'tcp', hostAddress: undefined, hostPort: 8080, containerPort: 5201, count: 1 } as const
const server = await engine.service.sandboxes.create({ ...request('server'), ports: [port] }, 'bench', never)
const client = await engine.service.sandboxes.create(request('client'), 'bench', never)
const pathOf = (sandbox: typeof server): string => engine.host.namespacePath(sandbox.namespace?.id ?? '')

const scenarios = [
  ['bare pair of interfaces', '/run/netns/left', '192.0.2.2', 5201],
  ['container to container', pathOf(client), formatIpv4(server.namespace?.endpoints[0]?.address ?? 0), 5201],
  ['published port, from outside', '/run/netns/outside', HOST, 8080],
] as const

const servers = ['/run/netns/right', pathOf(server)].map((path) =>
  spawn('nsenter', [`--net=${path}`, 'iperf3', '-s'], { stdio: 'ignore' }),
)
await sleep(1_000)

/** Gigabits a second. */
function throughput(from: string, address: string, at: number): number {
  const command = [`--net=${from}`, 'iperf3', '-J', '-t', String(seconds), '-c', address, '-p', String(at)]
  const { stdout } = spawnSync('nsenter', command, { encoding: 'utf8', maxBuffer: 1 << 24 })
  return JSON.parse(stdout).end.sum_received.bits_per_second / 1e9
}

const results = new Map<string, number[]>()
for (let round = 0; round < rounds; round++)
  for (const [title, from, address, at] of scenarios)
    results.set(title, [...(results.get(title) ?? []), throughput(from, address, at)])
const base = median(results.get(scenarios[0][0]) ?? [])
for (const [title, values] of results) {
  const ratio = median(values) / base
  const each = values.map((value) => value.toFixed(1)).join(' ')
  const met = title === scenarios[0][0] ? '' : ratio >= SHARE ? ': met' : ': NOT MET'
  console.log(
    `${title.padEnd(32)} median ${median(values).toFixed(2)} Gbit/s, ${ratio.toFixed(3)} of the bare pair${met}   (${each})`,
  )
}
for (const each of servers) each.kill()
for (const id of ['server', 'client']) await engine.service.sandboxes.delete(id, 'bench')
await engine.service.close()
engine[Symbol.dispose]()
rmSync(root, { recursive: true })
