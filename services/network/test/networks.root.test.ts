import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { formatIpv4, formatMac, type Ipv4, parseIpv4, parseSubnet } from '../src/ipam/ipv4.ts'
import type { BridgeNetwork, NetworkRequest } from '../src/network/network.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import {
  inside,
  networkRequest,
  pings,
  plainAttachment,
  request,
  run,
  startEngine,
  succeeds,
  type TestEngine,
  wishOf,
} from './engine.ts'
import {
  addressOf,
  assertNothingLeft,
  connectOutside,
  emptyAndClose,
  endpointOf,
  links,
  pathIn,
  until,
} from './facts.ts'

// Networks that somebody makes, in the kernel.

const skip = inNamespaces()
const never = new AbortController().signal
const hosted = { skip, timeout: 120_000 }
const OUTSIDE = '198.51.100.2'

let root: string
let engine: TestEngine

function make(name: string, partial: Partial<NetworkRequest> = {}): BridgeNetwork {
  engine.service.userNetworks.create(networkRequest(name, partial), 'test')
  return engine.service.networks.connectable(name)
}

function onSubnet(text: string): Pick<NetworkRequest, 'addresses'> {
  const subnet = parseSubnet(text)
  assert.ok(subnet)
  return { addresses: { subnet, gateway: undefined, range: undefined, auxiliary: {} } }
}

const create = (id: string, ...networks: [string, ...string[]]): Promise<Sandbox> => {
  const [first, ...others] = networks.map((network) => ({ network }))
  return engine.service.sandboxes.create(request(id, wishOf(first ?? {}, ...others)), 'test', never)
}

const connect = (id: string, network: string, gatewayPriority = 0): Promise<Sandbox> =>
  engine.service.sandboxes.connect(id, { ...plainAttachment, network, gatewayPriority }, 'test')

const disconnect = (id: string, network: string): Promise<Sandbox> =>
  engine.service.sandboxes.disconnect(id, network, false, 'test')

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

const gatewayOf = (network: BridgeNetwork): string => formatIpv4(network.bridge.gateway)

before(() => {
  if (skip) return
  // What /sys shows follows the namespace that mounted it.
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  connectOutside('198.51.100.1', OUTSIDE, true)
})

after(() => {
  if (!skip) run('ip netns del outside')
})

beforeEach(() => {
  root = mkdtempSync('/tmp/caisson-networks-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
})

afterEach(async () => {
  await emptyAndClose(engine)
  await assertNothingLeft(root)
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), '0')
  rmSync(root, { recursive: true })
})

test('a network has a bridge with its gateway and packet size, and containers that reach outside', hosted, async () => {
  const front = make('front', { mtu: 1400, ...onSubnet('10.7.0.0/24') })
  assert.match(run(`ip addr show dev ${front.bridge.name}`), /mtu 1400[\s\S]*inet 10\.7\.0\.1\/24/)
  const [one, two] = [await create('one', 'front'), await create('two', 'front')]
  assert.equal(addressOf(one), '10.7.0.2')
  assert.match(inside(pathOf(one), 'ip link show dev eth0'), /mtu 1400/)
  assert.ok(pings(pathOf(one), addressOf(two)))
  assert.ok(pings(pathOf(one), OUTSIDE))
  assert.ok(succeeds(`busybox ping -c 1 -W 1 ${addressOf(one)}`), 'the host reaches it')
})

test('nothing gets from one network into another, by the neighbour or by the gateway', hosted, async () => {
  const [front, back] = [make('front'), make('back')]
  const [one, two] = [await create('one', 'front'), await create('two', 'back')]
  const standard = await create('three', 'bridge')
  const path = pathOf(one)
  assert.ok(pings(path, gatewayOf(front)) && pings(pathOf(two), gatewayOf(back)))
  for (const other of [two, standard]) {
    assert.ok(!pings(path, addressOf(other)))
    assert.ok(!pings(pathOf(other), addressOf(one)))
  }
  // A container that may change its routes and neighbours does not get further.
  const mac = formatMac(endpointOf(two).mac)
  inside(path, `ip route add ${addressOf(two)}/32 dev eth0`)
  inside(path, `ip neigh replace ${addressOf(two)} lladdr ${mac} dev eth0`)
  assert.ok(!pings(path, addressOf(two)), 'not by the Ethernet address of the other')
  const bridge = /link\/ether (\S+)/.exec(run(`ip link show dev ${front.bridge.name}`))?.[1]
  inside(path, `ip neigh replace ${addressOf(two)} lladdr ${bridge} dev eth0`)
  assert.ok(!pings(path, addressOf(two)), 'not by that of the bridge')
  inside(path, `ip addr add ${formatIpv4(endpointOf(two).address + 5)}/32 dev eth0`)
  assert.ok(
    !succeeds(
      `nsenter --net=${path} busybox ping -c 1 -W 1 -I ${formatIpv4(endpointOf(two).address + 5)} ${addressOf(two)}`,
    ),
  )
})

test('an internal network leads nowhere, and its containers reach one another', hosted, async () => {
  const vault = make('vault', { internal: true })
  const [one, two] = [await create('one', 'vault'), await create('two', 'vault')]
  assert.ok(pings(pathOf(one), addressOf(two)))
  assert.doesNotMatch(inside(pathOf(one), 'ip route'), /default/)
  inside(pathOf(one), `ip route add default via ${gatewayOf(vault)}`)
  assert.ok(!pings(pathOf(one), OUTSIDE), 'not outside, with a route of its own making')
  assert.ok(!pings(pathOf(one), gatewayOf(vault)), 'not to the host')
  assert.ok(!pings(pathOf(one), '198.51.100.1'), 'by none of its addresses')
  assert.ok(succeeds(`busybox ping -c 1 -W 1 ${addressOf(one)}`), 'the host reaches it')
  run(`ip -n outside route add ${formatIpv4(vault.bridge.subnet.base)}/20 via 198.51.100.1`)
  assert.ok(!succeeds(`ip netns exec outside busybox ping -c 1 -W 1 ${addressOf(one)}`), 'outside does not')
  const front = await create('three', 'bridge')
  assert.ok(!pings(pathOf(front), addressOf(one)) && !pings(pathOf(one), addressOf(front)))
})

test('options keep containers apart, and let them out with their own address', hosted, async () => {
  make('apart', { isolated: true })
  const [one, two] = [await create('one', 'apart'), await create('two', 'apart')]
  assert.ok(!pings(pathOf(one), addressOf(two)), 'containers do not reach one another')
  assert.ok(pings(pathOf(one), OUTSIDE))
  const routed = make('routed', { masquerade: false, bridgeName: 'br-routed', ...onSubnet('10.8.0.0/24') })
  assert.equal(routed.bridge.name, 'br-routed')
  const three = await create('three', 'routed')
  assert.ok(!pings(pathOf(three), OUTSIDE), 'outside has no way back')
  run('ip -n outside route add 10.8.0.0/24 via 198.51.100.1')
  assert.ok(pings(pathOf(three), OUTSIDE), 'now it has')
  run('ip -n outside route del 10.8.0.0/24')
})

test('an interface of somebody else is neither taken nor removed', hosted, async () => {
  run('ip link add br-foreign type bridge; ip link add br-veth type veth peer name br-peer')
  for (const bridgeName of ['br-foreign', 'br-veth', 'uplink'])
    assert.throws(() => make('front', { bridgeName }), { code: 'conflict', reason: 'INTERFACE_EXISTS' })
  // After a start of the machine somebody else was there first.
  make('mine', { bridgeName: 'br-mine' })
  engine[Symbol.dispose]()
  run('ip link del br-mine; ip link add br-mine type bridge')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  await assert.rejects(create('one', 'mine'), { reason: 'INTERFACE_EXISTS' })
  await engine.service.userNetworks.delete('mine', 'test')
  assert.deepEqual(links(/^br-/).toSorted(), ['br-foreign', 'br-mine', 'br-peer', 'br-veth'])
  run('ip link del br-foreign; ip link del br-veth; ip link del br-mine')
})

test(
  'a sandbox on several networks speaks on each, and outside by the one of the highest priority',
  hosted,
  async () => {
    const [front, back] = [make('front'), make('back')]
    make('vault', { internal: true })
    const wish = wishOf({ network: 'vault' }, { network: 'front' }, { network: 'back', gatewayPriority: 10 })
    const one = await engine.service.sandboxes.create(request('one', wish), 'test', never)
    const path = pathOf(one)
    assert.deepEqual(
      inside(path, 'ip -o link')
        .match(/^\d+: \w+/gm)
        ?.map((line) => line.split(' ')[1]),
      ['lo', 'eth0', 'eth1', 'eth2'],
    )
    assert.match(inside(path, 'ip route'), new RegExp(`^default via ${gatewayOf(back)} dev eth2`, 'm'))
    const [inFront, inBack, inVault] = [
      await create('f', 'front'),
      await create('b', 'back'),
      await create('v', 'vault'),
    ]
    for (const peer of [inFront, inBack, inVault]) assert.ok(pings(path, addressOf(peer)))
    assert.ok(pings(path, OUTSIDE) && pings(path, gatewayOf(front)))
    assert.ok(!pings(pathOf(inFront), addressOf(inBack)), 'and leads nobody from one into the other')
    assert.equal((await engine.service.sandboxes.counters(['one'])).length, 3)
  },
)

test('a living sandbox is connected and taken out while it speaks', hosted, async () => {
  const [front, back] = [make('front'), make('back')]
  const [one, two] = [await create('one', 'front'), await create('two', 'back')]
  const path = pathOf(one)
  const pinging = spawn('nsenter', [`--net=${path}`, 'busybox', 'ping', '-i', '0.1', gatewayOf(front)], {
    stdio: 'pipe',
  })
  let answers = 0
  pinging.stdout.on('data', (text: Buffer) => (answers += String(text).match(/bytes from/g)?.length ?? 0))
  try {
    await until(() => answers > 3, 'it speaks')
    const wired = await connect('one', 'back', 1)
    assert.ok(pings(path, addressOf(two)))
    assert.ok(pings(pathOf(two), addressOf(wired, 1)))
    assert.match(inside(path, 'ip route'), new RegExp(`^default via ${gatewayOf(back)} dev eth1`, 'm'))
    assert.equal(inside(path, 'ip -6 addr show dev eth1'), '')
    await disconnect('one', 'back')
    assert.deepEqual(inside(path, 'ip -o link').match(/^\d+: \w+/gm)?.length, 2)
    assert.match(inside(path, 'ip route'), new RegExp(`^default via ${gatewayOf(front)} dev eth0`, 'm'))
    assert.ok(!pings(path, addressOf(two)))
    const before = answers
    await until(() => answers > before + 3, 'it still speaks')
  } finally {
    pinging.kill()
  }
  await disconnect('one', 'front')
  assert.deepEqual(inside(path, 'ip -o link').match(/^\d+: \w+/gm), ['1: lo'])
})

test('a connect is refused where the container has an interface of that name, and leaves nothing', hosted, async () => {
  make('front')
  make('back')
  const one = await create('one', 'front')
  inside(pathOf(one), 'ip link add eth1 type bridge')
  const ports = links(/^csp/).length
  await assert.rejects(connect('one', 'back'), { code: 'conflict', reason: 'INTERFACE_EXISTS' })
  assert.equal(links(/^csp/).length, ports)
  inside(pathOf(one), 'ip link del eth1')
  await connect('one', 'back')
})

test('each interface may only speak with its own address, on its own network', hosted, async () => {
  make('front')
  make('back')
  const [one, two] = [await create('one', 'front', 'back'), await create('two', 'back')]
  const path = pathOf(one)
  assert.ok(pings(path, addressOf(two)), 'the neighbour is known')
  const front = addressOf(one, 0)
  assert.ok(
    !succeeds(`nsenter --net=${path} busybox arping -c 1 -w 1 -s ${front} -I eth1 ${addressOf(two)}`),
    'not with the address of its other interface',
  )
  assert.doesNotMatch(inside(pathOf(two), 'ip neigh'), new RegExp(`^${front} `, 'm'))
})

test('a subnet that the host routes, or another engine uses, is neither taken nor chosen', hosted, () => {
  run('ip route add 10.7.0.0/16 via 198.51.100.2')
  assert.throws(() => make('front', onSubnet('10.7.3.0/24')), { code: 'conflict', reason: 'SUBNET_OVERLAPS' })
  run('ip route del 10.7.0.0/16')
  const chosen = make('front').bridge.subnet
  const otherRoot = mkdtempSync('/tmp/caisson-networks-')
  const own = engine
  engine = startEngine(otherRoot, { poolSize: 0 })
  try {
    assert.throws(() => make('same', { addresses: { ...networkRequest('').addresses, subnet: chosen } }), {
      reason: 'SUBNET_OVERLAPS',
    })
  } finally {
    engine[Symbol.dispose]()
    engine = own
    rmSync(otherRoot, { recursive: true })
  }
})

test('networks and connections survive a restart, and a bridge that was removed comes back', hosted, async () => {
  const front = make('front')
  make('vault', { internal: true })
  const one = await create('one', 'front', 'vault')
  const path = pathOf(one)
  engine[Symbol.dispose]()
  assert.ok(pings(path, OUTSIDE), 'works without the service')
  run(`ip link del ${front.bridge.name}`)
  // A connect that was cut off, and a bridge whose network was never recorded.
  run(`ip link add csp${engine.tag}ffffff type veth peer name stray; ip link add csn${engine.tag}ffffff type bridge`)
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  assert.deepEqual(links(/ffffff$|^stray$/), [])
  const two = await create('two', 'front', 'vault')
  for (const index of [0, 1]) assert.ok(pings(path, addressOf(two, index)))
  assert.ok(pings(path, OUTSIDE))
  assert.deepEqual(engine.service.sandboxes.get('one').namespace, one.namespace)
})

test('two hundred networks stand at once, apart from one another', hosted, async (context) => {
  const names = Array.from({ length: 200 }, (_, index) => `net-${index}`)
  const begin = performance.now()
  for (const name of names) make(name)
  const made = performance.now()
  const sandboxes = await Promise.all(names.map((name) => create(`on-${name}`, name)))
  const filled = performance.now()
  const subnets = new Set(engine.service.networks.bridges().map(({ bridge }) => bridge.subnet.base))
  assert.equal(subnets.size, 201)
  const [first, ...others] = sandboxes
  assert.ok(first)
  assert.ok(pings(pathOf(first), OUTSIDE))
  for (const other of [others[0], others[99], others.at(-1)]) {
    assert.ok(other && pings(pathOf(other), OUTSIDE))
    assert.ok(!pings(pathOf(first), addressOf(other)))
  }
  await assert.rejects(engine.service.userNetworks.delete('net-7', 'test'), { reason: 'NETWORK_IN_USE' })
  const again = performance.now()
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  const started = performance.now()
  assert.ok(pings(pathOf(first), OUTSIDE))
  for (const { id } of sandboxes) await engine.service.sandboxes.delete(id, 'test')
  const emptied = performance.now()
  await engine.service.close()
  const stopped = performance.now()
  assert.deepEqual(links(/^csn/), [])
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  const back = performance.now()
  assert.equal((await engine.service.userNetworks.prune(() => true, 'test')).length, 200)
  const times = {
    made: made - begin,
    'a sandbox each': filled - made,
    restart: started - again,
    stop: stopped - emptied,
    start: back - stopped,
    removed: performance.now() - back,
  }
  const figures = Object.entries(times).map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`)
  context.diagnostic(`200 networks: ${figures.join(', ')}`)
})

test('the address of a container that went is free for another', hosted, async () => {
  make('small', onSubnet('10.7.0.0/30'))
  await create('one', 'small')
  await assert.rejects(create('two', 'small'), { reason: 'ADDRESSES_EXHAUSTED' })
  await engine.service.sandboxes.delete('one', 'test')
  const wanted: Ipv4 | undefined = parseIpv4('10.7.0.2')
  assert.equal(endpointOf(await create('two', 'small')).address, wanted)
})
