import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inNamespaces } from '@caisson/testkit'
import { formatMac } from '../src/ipam/ipv4.ts'
import type { PortWish } from '../src/publishing/published-port.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { bridgeWish, networkRequest, pings, request, run, startEngine, type TestEngine, wishOf } from './engine.ts'
import {
  addressOf,
  assertNothingLeft,
  connectOutside,
  defaultGateway,
  emptyAndClose,
  endpointOf,
  pathIn,
} from './facts.ts'
import { call, seen, sendFrames, serveAt } from './wire.ts'

// What somebody tries who has every capability inside a container's network namespace, or a machine on the same wire.

const skip = inNamespaces()
const hosted = { skip, timeout: 240_000 }
const never = new AbortController().signal
const HOST = '198.51.100.1'
const OUTSIDE = '/run/netns/outside'

let root: string
let engine: TestEngine
let stack: DisposableStack

const web: PortWish = { transport: 'tcp', hostAddress: undefined, hostPort: 8080, containerPort: 80, count: 1 }

const create = (id: string, ...ports: PortWish[]): Promise<Sandbox> =>
  engine.service.sandboxes.create({ ...request(id, bridgeWish), ports }, 'test', never)

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

const gateway = (): string => defaultGateway(engine)
const hex = (address: string): string => Buffer.from(address.split('.').map(Number)).toString('hex')
const hexOf = (sandbox: Sandbox): string => formatMac(endpointOf(sandbox).mac).replaceAll(':', '')

async function serveInside(sandbox: Sandbox, port: number): Promise<void> {
  const child = await serveAt(pathOf(sandbox), port)
  stack.defer(() => child.kill('SIGKILL'))
}

before(() => {
  if (skip) return
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  connectOutside(HOST, '198.51.100.2', false)
})

after(() => {
  if (!skip) run('ip netns del outside')
})

beforeEach(() => {
  stack = new DisposableStack()
  root = mkdtempSync('/tmp/caisson-attacks-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0, networkPoolSize: 0 })
})

afterEach(async () => {
  stack.dispose()
  await emptyAndClose(engine)
  await assertNothingLeft(root)
  rmSync(root, { recursive: true })
})

/** An answer of ARP to everybody: who has `address` is `mac`. */
const arpAnswer = (source: string, mac: string, address: string): string =>
  `ffffffffffff${source}08060001080006040002${mac}${hex(address)}ffffffffffff${hex('0.0.0.0')}`

test(
  'NET-01: no answer of ARP for the gateway or a neighbour leaves a port, one for its own address does',
  hosted,
  async () => {
    const [attacker, victim, third] = [await create('attacker'), await create('victim'), await create('third')]
    const own = hexOf(attacker)
    const lies = [
      arpAnswer(own, own, gateway()),
      arpAnswer(own, own, addressOf(third)),
      arpAnswer(own, hexOf(third), addressOf(attacker)),
      arpAnswer(hexOf(third), hexOf(third), addressOf(third)),
    ]
    const arp = '08060001080006040002'
    assert.equal(await seen(pathOf(victim), arp, () => sendFrames(pathOf(attacker), lies)), 0)
    assert.equal(
      await seen(pathOf(victim), arp, () => sendFrames(pathOf(attacker), [arpAnswer(own, own, addressOf(attacker))])),
      1,
    )
    assert.ok(pings(pathOf(victim), gateway()))
  },
)

/** A datagram to everybody with these ports, without a checksum of UDP. */
function datagram(mac: string, from: string, ports: string): string {
  const header = Buffer.from(`45000020000000004011 0000${hex(from)}ffffffff`.replaceAll(' ', ''), 'hex')
  let sum = 0
  for (let offset = 0; offset < 20; offset += 2) sum += header.readUInt16BE(offset)
  header.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 10)
  return `ffffffffffff${mac}0800${header.toString('hex')}${ports}000c0000deadbeef`
}

test('NET-02: no frame of another IP or MAC address, and no VLAN tag or IPv6 leaves a port', hosted, async () => {
  const [attacker, victim] = [await create('attacker'), await create('victim')]
  const [own, mark] = [hexOf(attacker), 'deadbeef']
  const honest = datagram(own, addressOf(attacker), '10001000')
  const lies = [
    datagram(own, gateway(), '10001000'),
    datagram(own, addressOf(victim), '10001000'),
    datagram('024200000099', addressOf(attacker), '10001000'),
    // The answer of a DHCP server that says to be the gateway, and one from an address that is none.
    datagram(own, gateway(), '00430044'),
    datagram(own, '0.0.0.0', '00430044'),
    `ffffffffffff${own}81000001${honest.slice(24)}`,
    // A router advertisement to all nodes.
    `333300000001${own}86dd6000000000083afffe800000000000000000000000000001ff0200000000000000000000000000018600${mark}`,
  ]
  assert.equal(await seen(pathOf(victim), mark, () => sendFrames(pathOf(attacker), lies)), 0)
  assert.equal(
    await seen(pathOf(victim), mark, () => sendFrames(pathOf(attacker), [honest])),
    1,
    'what is honest arrives',
  )
})

test(
  'NET-07: while somebody flushes everything again and again, networks stay apart and ports published',
  hosted,
  async () => {
    engine.service.userNetworks.create(networkRequest('front'), 'test')
    const server = await create('server', web)
    const stranger = await engine.service.sandboxes.create(
      request('stranger', wishOf({ network: 'front' })),
      'test',
      never,
    )
    await serveInside(server, 80)
    let [reached, calls] = [0, 0]
    const end = Date.now() + 3_000
    while (Date.now() < end) {
      run('nft flush ruleset')
      if (call(pathOf(stranger), addressOf(server), 80) !== '') reached++
      if (call(OUTSIDE, HOST, 8080) !== '') calls++
      // Where the kernel has no owned tables the service puts them back when it gets to it.
      await sleep(10)
    }
    assert.equal(reached, 0)
    assert.ok(calls > 0)
    const flushed = Date.now()
    run('nft flush ruleset')
    while (call(OUTSIDE, HOST, 8080) === '') assert.ok(Date.now() - flushed < 2_000, 'published again within 2 s')
  },
)

test('NET-08: rules of iptables decide about a published port where packets are forwarded', hosted, async (context) => {
  if (spawnSync('iptables', ['-S']).status !== 0) return context.skip('iptables does not work here')
  await serveInside(await create('server', web, { ...web, hostPort: 8081 }), 80)
  run('iptables -I INPUT -p tcp --dport 8080 -j DROP')
  assert.equal(call(OUTSIDE, HOST, 8080), '198.51.100.2', 'INPUT does not see what is forwarded: docs/ports.md says so')
  run('iptables -D INPUT -p tcp --dport 8080 -j DROP')
  const rule = 'FORWARD -m conntrack --ctstate DNAT --ctorigdstport 8080 -i uplink -j DROP'
  run(`iptables -I ${rule}`)
  assert.equal(call(OUTSIDE, HOST, 8080), '')
  assert.equal(call(OUTSIDE, HOST, 8081), '198.51.100.2', 'the other one is open')
  run(`iptables -D ${rule}`)
})

test(
  'NET-10: a container that tries every port of every address of the host finds no port of the engine',
  hosted,
  async () => {
    const attacker = await create('attacker')
    const open = createServer().listen(7777, '0.0.0.0')
    await once(open, 'listening')
    stack.defer(() => open.close())
    const local = createServer().listen(7778, '127.0.0.1')
    await once(local, 'listening')
    stack.defer(() => local.close())
    const script = `
import socket, sys, select
def sweep(address):
    found, ports = [], list(range(1, 65536))
    for start in range(0, 65535, 500):
        waiting = {}
        for port in ports[start:start + 500]:
            s = socket.socket(); s.setblocking(False)
            try: s.connect((address, port))
            except BlockingIOError: pass
            except OSError: s.close(); continue
            waiting[s] = port
        p = select.poll()
        by = {s.fileno(): s for s in waiting}
        for fd in by: p.register(fd, select.POLLOUT)
        left = set(by)
        while left:
            events = p.poll(300)
            if not events: break
            for fd, _ in events:
                if fd in left and by[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: found.append(waiting[by[fd]])
                left.discard(fd); p.unregister(fd)
        for s in waiting: s.close()
    return found
for address in sys.argv[1:]: print(address, *sweep(address))
`
    const { stdout } = spawnSync('nsenter', [`--net=${pathOf(attacker)}`, 'python3', '-c', script, gateway(), HOST], {
      encoding: 'utf8',
    })
    assert.deepEqual(
      stdout.trim().split('\n'),
      [`${gateway()} 7777`, `${HOST} 7777`],
      'only what the host itself opened to everybody',
    )
  },
)
