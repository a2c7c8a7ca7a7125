import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import {
  inside,
  networkRequest,
  plainAttachment,
  request,
  run,
  startEngine,
  type TestEngine,
  wishOf,
} from './engine.ts'
import { addressOf, emptyAndClose, pathIn } from './facts.ts'

// Limits of bandwidth, in the kernel.

const skip = inNamespaces()
const hosted = { skip, timeout: 120_000 }
const never = new AbortController().signal
const MBIT = 1_000_000
const SECONDS = 3

let root: string
let engine: TestEngine

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

const create = (id: string, egress = 0, ingress = 0): Promise<Sandbox> =>
  engine.service.sandboxes.create(
    { ...request(id), ...(egress + ingress > 0 && { bandwidth: { egress, ingress } }) },
    'test',
    never,
  )

const change = (id: string, bandwidth: { egress?: number; ingress?: number }): Promise<Sandbox> =>
  engine.service.sandboxes.update(id, { ports: undefined, bandwidth }, 'test')

const RECEIVER = `
  let bytes = 0, first, last
  require('node:net').createServer((socket) => {
    socket.on('data', (data) => { first ??= performance.now(); last = performance.now(); bytes += data.length })
    socket.on('close', () => { console.log(JSON.stringify({ bytes, ms: last - first })); process.exit() })
  }).listen(5001, () => console.log('ready'))`

const sender = (address: string): string => `
  const socket = require('node:net').connect(5001, '${address}')
  const chunk = Buffer.alloc(65536)
  const push = () => { while (socket.write(chunk)); }
  socket.on('connect', push).on('drain', push)
  setTimeout(() => { socket.destroy(); process.exit() }, ${SECONDS * 1_000})`

const node = (path: string, program: string) =>
  spawn('nsenter', [`--net=${path}`, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })

/** Bits a second that one TCP connection gets. */
async function measure(from: Sandbox, to: Sandbox): Promise<number> {
  const receiver = node(pathOf(to), RECEIVER)
  let output = ''
  receiver.stdout.on('data', (data: Buffer) => {
    output += data.toString()
  })
  await once(receiver.stdout, 'data')
  const sent = node(pathOf(from), sender(addressOf(to)))
  await Promise.all([once(sent, 'exit'), once(receiver, 'close')])
  const { bytes, ms } = JSON.parse(output.replace('ready', ''))
  return (bytes * 8_000) / ms
}

/** The most always holds; the least only says that it is no other unit. */
function assertLimited(measured: number, limit: number): void {
  const shown = `${(measured / MBIT).toFixed(2)} of ${limit / MBIT} Mbit/s`
  assert.ok(measured < limit * 1.15, shown)
  assert.ok(measured > limit * 0.3, shown)
}

const qdisc = (where: string): string => run(`${where} tc qdisc show`).trim()
const ofPort = (sandbox: Sandbox, index = 0): string =>
  run(`tc qdisc show dev ${sandbox.namespace?.endpoints[index]?.portName}`)

before(() => {
  if (skip) return
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  root = mkdtempSync('/tmp/caisson-bandwidth-')
  engine = startEngine(root, { poolSize: 1, barePoolSize: 0 })
})

after(async () => {
  if (skip) return
  await emptyAndClose(engine)
  rmSync(root, { recursive: true })
})

test('a container sends and receives no faster than its limits, which change while it runs', hosted, async (t) => {
  const [free, slow] = [await create('free'), await create('slow', 20 * MBIT, 50 * MBIT)]
  const out = await measure(slow, free)
  const in_ = await measure(free, slow)
  assertLimited(out, 20 * MBIT)
  assertLimited(in_, 50 * MBIT)
  await change('slow', { egress: 2 * MBIT })
  const slower = await measure(slow, free)
  assertLimited(slower, 2 * MBIT)
  assert.match(ofPort(slow), /tbf .* rate 50Mbit/, 'what was not named stays')
  await change('slow', { egress: 0, ingress: 0 })
  assert.doesNotMatch(qdisc(`nsenter --net=${pathOf(slow)}`), /tbf/)
  assert.doesNotMatch(ofPort(slow), /tbf/)
  const unlimited = await measure(slow, free)
  assert.ok(unlimited > 100 * MBIT, `without limit: ${unlimited}`)
  t.diagnostic(`20: ${out / MBIT}, 50: ${in_ / MBIT}, 2: ${slower / MBIT}, none: ${unlimited / MBIT} Mbit/s`)
})

test('rates from kilobits to hundreds of gigabits are taken as they are', hosted, async () => {
  const one = await create('rates', 8_000, 400_000 * MBIT)
  assert.match(qdisc(`nsenter --net=${pathOf(one)}`), /tbf .* dev eth0 .*rate 8Kbit|dev eth0[\s\S]*rate 8Kbit/)
  assert.match(ofPort(one), /rate 400Gbit/)
})

test('limits hold on networks that are joined later, and stand again after a restart', hosted, async () => {
  engine.service.userNetworks.create(networkRequest('second'), 'test')
  await engine.service.sandboxes.create(
    { ...request('joins', wishOf({})), bandwidth: { egress: 5 * MBIT, ingress: 6 * MBIT } },
    'test',
    never,
  )
  const joined = await engine.service.sandboxes.connect('joins', { ...plainAttachment, network: 'second' }, 'test')
  assert.match(inside(pathOf(joined), 'tc qdisc show dev eth1'), /rate 5Mbit/)
  assert.match(ofPort(joined, 1), /rate 6Mbit/)
  run(`tc qdisc del dev ${joined.namespace?.endpoints[0]?.portName} root`)
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 1, barePoolSize: 0 })
  await engine.service.sandboxes.restoreLimits()
  assert.match(ofPort(joined), /rate 6Mbit/, 'what somebody took away is back')
  assert.match(inside(pathOf(joined), 'tc qdisc show dev eth0'), /rate 5Mbit/)
  await change('joins', { ingress: 7 * MBIT })
  assert.match(inside(pathOf(joined), 'tc qdisc show dev eth1'), /rate 5Mbit/)
  assert.match(ofPort(joined, 1), /rate 7Mbit/)
})

test(
  'who has no network of its own has no limits, and a limit that cannot be put in place changes nothing',
  hosted,
  async () => {
    await engine.service.sandboxes.create(request('alone', { mode: 'none', namespacePath: undefined }), 'test', never)
    await assert.rejects(change('alone', { egress: MBIT }), { reason: 'NOT_LIMITABLE' })
    const gone = await create('cut', 5 * MBIT, 5 * MBIT)
    run(`ip link del ${gone.namespace?.endpoints[0]?.portName}`)
    await assert.rejects(change('cut', { egress: MBIT }), /there is no interface|ENODEV/)
    assert.equal(engine.service.bandwidths.of('cut').egress, 5 * MBIT)
  },
)
