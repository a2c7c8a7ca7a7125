/**
 * Questions a second for names of containers, of the resolver and of dnsmasq side by side, in namespaces of the same kind; and
 * what many namespaces and names cost. As root: node services/network/test/bench/names.ts [seconds]. It runs in network and
 * mount namespaces of its own, and needs dnsperf (Debian: dnsperf) and, to compare, dnsmasq (Debian: dnsmasq-base).
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inNamespaces } from '@caisson/testkit'
import { startDnsmasq } from '../names/dnsmasq.ts'
import { resolversOf, Stage, until } from '../names/stage.ts'

const skip = inNamespaces()
if (skip) throw new Error(skip)
if (spawnSync('dnsperf', ['-h']).error !== undefined) throw new Error('install dnsperf: apt-get install dnsperf')

const seconds = Number(process.argv[2] ?? 5)
const NAMES = 10_000
const NAMESPACES = 1_000
/** The resolver lets no namespace ask more than 50,000 a second. */
const RATE = 20_000

const names = Array.from({ length: NAMES }, (_, index) => `container-${index}`)
const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`

/** What /proc counts of a process. */
const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

/** Clock ticks of a hundredth of a second, in all its threads. */
const ticksOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

function figure(report: string, pattern: RegExp): string {
  const found = pattern.exec(report)?.[1]
  if (found === undefined) throw new Error(`dnsperf says something else than expected:\n${report}`)
  return found
}

function measure(title: string, namespace: string, pid: number, questions: string, limits: readonly string[]): void {
  const before = ticksOf(pid)
  const command = [
    `--net=${namespace}`,
    'dnsperf',
    '-s',
    '127.0.0.11',
    '-d',
    questions,
    '-l',
    String(seconds),
    ...limits,
  ]
  const report = execFileSync('nsenter', command, { encoding: 'utf8' })
  const rate = Math.round(Number(figure(report, /Queries per second:\s+([\d.]+)/)))
  const lost = figure(report, /Queries lost:\s+(\d+)/)
  const wrong = figure(report, /Response codes:\s+(.*)/)
  const latency = Math.round(Number(figure(report, /Average Latency \(s\):\s+([\d.]+)/)) * 1e6)
  const busy = Math.round((ticksOf(pid) - before) / seconds)
  console.log(
    `${title.padEnd(34)} ${String(rate).padStart(7)} q/s  lost ${lost}  ${wrong}  mean ${latency} µs  cpu ${busy} %  memory ${memoryOf(pid)} KiB`,
  )
}

function compare(title: string, namespace: string, pid: number, folder: string): void {
  const [v4, mixed] = [join(folder, 'a'), join(folder, 'mixed')]
  writeFileSync(v4, names.map((name) => `${name} A\n`).join(''))
  writeFileSync(mixed, names.map((name) => `${name} A\n${name} AAAA\n`).join(''))
  measure(`${title}, A at ${RATE}/s`, namespace, pid, v4, ['-Q', String(RATE), '-c', '8'])
  measure(`${title}, A and AAAA at ${RATE}/s`, namespace, pid, mixed, ['-Q', String(RATE), '-c', '8'])
  measure(`${title}, A, as many as may be`, namespace, pid, v4, ['-c', '8'])
}

async function benchResolver(): Promise<void> {
  await using stage = new Stage()
  const service = stage.service()
  for (const [index, name] of names.entries()) service.setName('net', name, [addressOf(index)])
  const opened = service.open('one', await stage.namespace('one'))
  service.setView('one', { networks: ['net'], forwardTo: [] })
  service.settle()
  await opened
  const [pid = 0] = resolversOf(stage.runDir)
  compare('resolver', stage.path('one'), pid, stage.runDir)
}

async function benchDnsmasq(): Promise<void> {
  await using stage = new Stage()
  const hosts = join(stage.runDir, 'hosts')
  writeFileSync(hosts, names.map((name, index) => `${addressOf(index)} ${name}\n`).join(''))
  const path = await stage.namespace('one')
  const dnsmasq = startDnsmasq(['--listen-address=127.0.0.11', `--addn-hosts=${hosts}`], path)
  try {
    const asker = stage.asker('one')
    await until('dnsmasq answers', async () => (await asker.lookUp('container-1').catch(() => [])).length > 0)
    compare('dnsmasq', path, dnsmasq.pid ?? 0, stage.runDir)
  } finally {
    dnsmasq.kill()
  }
}

async function benchScale(): Promise<void> {
  await using stage = new Stage()
  const service = stage.service()
  for (const [index, name] of names.entries()) {
    service.setName(`net${index % 200}`, name, [addressOf(index)])
    service.setReverse(`net${index % 200}`, addressOf(index), `${name}.net${index % 200}`)
  }
  const ids = Array.from({ length: NAMESPACES }, (_, index) => `sandbox-${index}`)
  const paths = new Map<string, string>()
  for (const id of ids) paths.set(id, await stage.namespace(id))
  const start = performance.now()
  const opening = [...paths].map(([id, path], index) => {
    const opened = service.open(id, path)
    service.setView(id, { networks: [`net${index % 200}`], forwardTo: 'host' })
    return opened
  })
  service.settle()
  await Promise.all(opening)
  const openedMs = performance.now() - start
  const [pid = 0] = resolversOf(stage.runDir)
  console.log(
    `${NAMESPACES} namespaces opened in ${Math.round(openedMs)} ms, with ${NAMES} names and reverses: ${memoryOf(pid)} KiB`,
  )
  const asker = stage.asker(ids.at(-1) ?? '')
  const name = `container-${NAMESPACES - 1}`
  await until('an answer', async () => (await asker.lookUp(name).catch(() => [])).length > 0)
  process.kill(pid, 'SIGKILL')
  const killed = performance.now()
  await until(
    'all are open again',
    async () => (await service.counters().catch(() => undefined))?.namespaces === NAMESPACES,
  )
  await until('an answer', async () => (await asker.lookUp(name).catch(() => [])).length > 0)
  console.log(`killed, the last of them is answered again after ${Math.round(performance.now() - killed)} ms`)
}

await benchResolver()
if (spawnSync('dnsmasq', ['--version']).error === undefined) await benchDnsmasq()
else console.log('dnsmasq is not compared: apt-get install dnsmasq-base')
await benchScale()
