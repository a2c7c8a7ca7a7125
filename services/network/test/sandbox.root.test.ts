import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { formatIpv4, formatMac } from '../src/ipam/ipv4.ts'
import type { Sandbox, SandboxWish } from '../src/sandbox/sandbox.ts'
import { bridgeWish, inside, pings, request, run, startEngine, succeeds, type TestEngine, wishOf } from './engine.ts'
import { addressOf, assertNothingLeft, connectOutside, emptyAndClose, links, pathIn, until } from './facts.ts'

const skip = inNamespaces()
const never = new AbortController().signal

let root: string
let engine: TestEngine

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

const create = (id: string, wish = bridgeWish): Promise<Sandbox> =>
  engine.service.sandboxes.create(request(id, wish), 'test', never)

const gateway = (): string => formatIpv4(engine.service.networks.bridges()[0]?.bridge.gateway ?? 0)

const shelved = (): number => engine.store.namespaces().filter(({ id }) => engine.store.usersOf(id) === 0).length

const SOCKETS = 'cat /proc/net/tcp /proc/net/tcp6'

const hosted = { skip, timeout: 60_000 }

before(() => {
  if (skip) return
  // What /sys shows follows the namespace that mounted it.
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  // It does not know the networks of containers.
  connectOutside('198.51.100.1', '198.51.100.2', true)
})

after(() => {
  if (!skip) run('ip netns del outside')
})

beforeEach(() => {
  root = mkdtempSync('/tmp/caisson-network-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
})

afterEach(async () => {
  await emptyAndClose(engine)
  await assertNothingLeft(root)
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), '0')
  rmSync(root, { recursive: true })
})

test('two sandboxes reach each other and the host, over TCP too', hosted, async () => {
  const [one, two] = [await create('one'), await create('two')]
  assert.ok(pings(pathOf(one), addressOf(two)))
  assert.ok(pings(pathOf(two), gateway()))
  assert.ok(succeeds(`busybox ping -c 1 -W 1 ${addressOf(one)}`))
  const listener = spawn('nsenter', [`--net=${pathOf(two)}`, 'busybox', 'nc', '-l', '-p', '80'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    await until(() => inside(pathOf(two), SOCKETS).includes(':0050'), 'somebody listens on port 80')
    run(`echo hello | nsenter --net=${pathOf(one)} busybox nc -w 2 ${addressOf(two)} 80`)
    const [said] = await once(listener.stdout, 'data')
    assert.equal(String(said), 'hello\n')
  } finally {
    listener.kill()
  }
})

test('a sandbox has one interface, no IPv6 on it, and may ping and listen low without privilege', hosted, async () => {
  const path = pathOf(await create('one'))
  assert.deepEqual(inside(path, 'ip -o link').match(/^\d+: \w+/gm), ['1: lo', '2: eth0'])
  assert.equal(inside(path, 'ip -6 addr show dev eth0'), '')
  assert.equal(inside(path, 'cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6').trim(), '1')
  assert.equal(inside(path, 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start').trim(), '0')
  assert.equal(inside(path, 'cat /proc/sys/net/ipv4/ping_group_range').trim(), '0\t2147483647')
  assert.match(inside(path, 'ip route'), new RegExp(`^default via ${gateway()} dev eth0`, 'm'))
  assert.equal(readFileSync(`/proc/sys/net/ipv6/conf/csn${engine.tag}/disable_ipv6`, 'utf8').trim(), '1')
})

test('a sandbox of mode none has loopback only, one of mode host no namespace', hosted, async () => {
  const none = await create('none', { mode: 'none', namespacePath: undefined })
  assert.deepEqual(inside(pathOf(none), 'ip -o link').match(/^\d+: \w+/gm), ['1: lo'])
  assert.ok(pings(pathOf(none), '127.0.0.1'))
  const host = await create('host', { mode: 'host' })
  assert.equal(host.namespace, undefined)
  assert.equal(host.resolvConf, readFileSync('/etc/resolv.conf', 'utf8'))
  assert.deepEqual(links(/^csn/), [], 'no bridge was made for them')
})

test('sandboxes share a namespace until the last of them is deleted', hosted, async () => {
  const one = await create('one')
  const other = await create('other', { mode: 'shared', sandboxId: 'one' })
  assert.equal(other.namespace?.id, one.namespace?.id)
  await engine.service.sandboxes.delete('one', 'test')
  assert.ok(pings(pathOf(other), gateway()))
})

test('sets up a namespace that the caller made', hosted, async () => {
  run('ip netns add given')
  const sandbox = await create('given', { ...bridgeWish, namespacePath: '/run/netns/given' } as SandboxWish)
  assert.match(run('ip -n given -4 addr show dev eth0'), new RegExp(addressOf(sandbox)))
  assert.ok(pings(pathOf(sandbox), gateway()))
  run('ip netns del given')
})

test('refuses a namespace that is none, is the host, or has that interface', hosted, async () => {
  const at = (namespacePath: string): Promise<Sandbox> =>
    create('given', { ...bridgeWish, namespacePath } as SandboxWish)
  for (const path of ['/no/such', '/etc/hosts', '/proc/self/ns/mnt'])
    await assert.rejects(at(path), { code: 'invalid-argument', reason: 'NOT_A_NAMESPACE' }, path)
  await assert.rejects(at('/proc/thread-self/ns/net'), { reason: 'HOST_NAMESPACE' })
  run('ip netns add given; ip -n given link add eth0 type bridge')
  await assert.rejects(at('/run/netns/given'), { code: 'conflict', reason: 'INTERFACE_EXISTS' })
  run('ip netns del given')
  assert.deepEqual(engine.store.namespaces(), [])
})

test('outside sees the address of the host, cannot come in, and the metadata address is blocked', hosted, async () => {
  const one = await create('one')
  const path = pathOf(one)
  assert.ok(pings(path, '198.51.100.2'), 'goes out')
  const outside = (command: string): string => run(`ip netns exec outside ${command}`)
  const listener = spawn('ip', ['netns', 'exec', 'outside', 'busybox', 'nc', '-l', '-p', '7'], { stdio: 'pipe' })
  try {
    await until(() => outside(SOCKETS).includes(':0007'), 'somebody listens outside')
    const caller = spawn('nsenter', [`--net=${path}`, 'busybox', 'nc', '198.51.100.2', '7'], { stdio: 'pipe' })
    try {
      await until(() => /:0007 [0-9A-F]*016433C6:/.test(outside(SOCKETS)), 'a connection comes from 198.51.100.1')
    } finally {
      caller.kill()
    }
  } finally {
    listener.kill()
  }
  const { subnet } = engine.service.networks.bridges()[0]?.bridge ?? assert.fail()
  run(`ip -n outside route add ${formatIpv4(subnet.base)}/${subnet.prefixLength} via 198.51.100.1`)
  assert.ok(!succeeds(`ip netns exec outside busybox ping -c 1 -W 1 ${addressOf(one)}`), 'stays out')
  run('ip -n outside addr add 169.254.169.254/32 dev lo')
  run('ip route add 169.254.169.254/32 via 198.51.100.2')
  assert.ok(succeeds('busybox ping -c 1 -W 1 169.254.169.254'), 'the host reaches it')
  assert.ok(!pings(path, '169.254.169.254'), 'a container does not')
  run('ip route del 169.254.169.254/32; ip -n outside addr del 169.254.169.254/32 dev lo')
  run(`ip -n outside route del ${formatIpv4(subnet.base)}/${subnet.prefixLength}`)
})

/** Frames that the guard of the ports has dropped so far. */
const guarded = (): number =>
  Number(/counter packets (\d+) bytes \d+ drop/.exec(run(`nft list table bridge caisson_${engine.tag}`))?.[1])

function isDropped(path: string, command: string, what: string): void {
  const before = guarded()
  assert.ok(!succeeds(`nsenter --net=${path} ${command}`), `${what}: no answer comes`)
  assert.ok(guarded() > before, `${what}: was sent and dropped`)
}

test('a container cannot speak with an address that is not its own', hosted, async () => {
  const [one, two] = [await create('one'), await create('two')]
  const path = pathOf(one)
  const { subnet } = engine.service.networks.bridges()[0]?.bridge ?? assert.fail()
  const foreign = formatIpv4(subnet.base + 200)
  const own = formatMac(one.namespace?.endpoints[0]?.mac ?? new Uint8Array())
  assert.ok(pings(path, addressOf(two)), 'the neighbour is known')
  inside(path, `ip addr add ${foreign}/${subnet.prefixLength} dev eth0`)
  isDropped(path, `busybox ping -c 1 -W 1 -I ${foreign} ${addressOf(two)}`, 'a foreign IP address')
  assert.ok(pings(path, addressOf(two)), 'its own still works')

  inside(path, `ip addr add ${gateway()}/32 dev lo`)
  isDropped(path, `busybox arping -c 1 -w 1 -s ${gateway()} -I eth0 ${addressOf(two)}`, 'an ARP lie')
  assert.doesNotMatch(inside(pathOf(two), 'ip neigh'), new RegExp(`^${gateway()} .*${own}`, 'm'))
  inside(path, `ip addr del ${gateway()}/32 dev lo`)

  inside(path, 'ip link set eth0 address 02:00:00:00:00:99')
  isDropped(path, `busybox ping -c 1 -W 1 ${addressOf(two)}`, 'a foreign MAC address')
  inside(path, `ip link set eth0 address ${own}`)

  const before = guarded()
  inside(path, 'sh -c "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"')
  await until(() => guarded() > before, 'what IPv6 says by itself is dropped')
  assert.ok(pings(path, addressOf(two)), 'and is well again')
})

test('another program that flushes the rules does not reach ours', hosted, async () => {
  const path = pathOf(await create('one'))
  run('nft flush ruleset')
  assert.match(run('nft list tables'), new RegExp(`inet caisson_${engine.tag}`))
  assert.ok(!succeeds(`nft delete table inet caisson_${engine.tag}`))
  assert.ok(pings(path, '198.51.100.2'))
})

test(
  'the same request twice is one sandbox, another request with its id is refused, deleting twice is fine',
  hosted,
  async () => {
    const [one, again] = await Promise.all([create('one'), create('one')])
    assert.equal(again.namespace?.id, one.namespace?.id)
    await assert.rejects(create('one', { mode: 'host' }), { code: 'already-exists', reason: 'SANDBOX_EXISTS' })
    await engine.service.sandboxes.delete('one', 'test')
    await engine.service.sandboxes.delete('one', 'test')
    assert.throws(() => engine.service.sandboxes.get('one'), { reason: 'SANDBOX_NOT_FOUND' })
    assert.deepEqual(
      engine.events.read(undefined, 100).events.map(({ type }) => type),
      ['network.created', 'network.created', 'network.created', 'sandbox.created', 'sandbox.deleted'],
    )
  },
)

test('gives the wanted address and MAC address, and says when the address is in use', hosted, async () => {
  const { subnet } = engine.service.networks.bridges()[0]?.bridge ?? assert.fail()
  const attachment = wishOf({
    network: 'bridge',
    address: subnet.base + 9,
    mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
    interfaceName: 'net7',
  })
  const path = pathOf(await create('one', attachment))
  assert.match(inside(path, 'ip addr show dev net7'), /02:00:00:00:00:09/)
  assert.ok(pings(path, gateway()))
  await assert.rejects(create('two', attachment), { reason: 'ADDRESS_IN_USE' })
})

test('a restarted service finds its sandboxes and what waited to be taken', hosted, async () => {
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 2, barePoolSize: 1 })
  const one = await create('one')
  await create('none', { mode: 'none', namespacePath: undefined })
  await until(() => shelved() === 3, 'the shelves are full')
  const before = engine.store.namespaces().map(({ id }) => id)
  engine[Symbol.dispose]()
  assert.ok(pings(pathOf(one), '198.51.100.2'), 'works without the service')
  engine = startEngine(root, { poolSize: 2, barePoolSize: 1 })
  assert.deepEqual(
    engine.store.namespaces().map(({ id }) => id),
    before,
  )
  const two = await create('two')
  assert.ok(before.includes(two.namespace?.id ?? ''), 'takes one that was ready')
  assert.ok(pings(pathOf(two), addressOf(one)))
  await until(() => shelved() === 3, 'the shelves are full again')
})

test('a start clears away what a killed run left half done', hosted, async () => {
  const [lost, kept] = [await create('lost'), await create('kept')]
  const lostPath = pathOf(lost)
  // A namespace that was made but not recorded, and a delete that was cut off before the record.
  await engine.host.makeNamespace('orphan', [], undefined)
  engine.host.releaseNamespace(lost.namespace?.id ?? '')
  run(`nft list tables >/dev/null; ip link del csn${engine.tag}`)
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 0 })
  assert.deepEqual(readdirSync(join(root, 'run/netns')), [kept.namespace?.id])
  assert.ok(!succeeds(`test -e ${lostPath}`))
  assert.throws(() => engine.service.sandboxes.get('lost'), { reason: 'SANDBOX_NOT_FOUND' })
  assert.ok(pings(pathOf(kept), gateway()), 'is back on a bridge')
  const last = engine.events.read(undefined, 100).events.at(-1)
  assert.deepEqual([last?.type, last?.attributes['reason']], ['sandbox.deleted', 'lost'])
})

test('engines side by side do not reach into one another', hosted, async () => {
  const otherRoot = mkdtempSync('/tmp/caisson-network-')
  const own = engine
  const one = await create('one')
  const onePath = pathOf(one)
  engine = startEngine(otherRoot, { poolSize: 0 })
  try {
    const two = await create('two')
    const twoPath = pathOf(two)
    assert.notEqual(addressOf(one).split('.').slice(0, 3).join(), addressOf(two).split('.').slice(0, 3).join())
    assert.ok(!pings(onePath, addressOf(two)))
    assert.ok(!pings(twoPath, addressOf(one)))
    assert.ok(pings(onePath, '198.51.100.2') && pings(twoPath, '198.51.100.2'))
    await engine.service.sandboxes.delete('two', 'test')
    await engine.service.close()
    assert.ok(pings(onePath, '198.51.100.2'), 'the other engine that goes leaves forwarding on')
  } finally {
    engine[Symbol.dispose]()
    engine = own
    rmSync(otherRoot, { recursive: true })
  }
})

test('counts what went through', hosted, async () => {
  const path = pathOf(await create('one'))
  pings(path, gateway())
  const [entry] = await engine.service.sandboxes.counters(['one'])
  assert.equal(entry?.interfaceName, 'eth0')
  assert.ok((entry?.counters.txBytes ?? 0n) > 84n)
})

test('measures what a network sent, also by containers that are gone, and never less', hosted, async () => {
  const sent = async (name: string, label: string): Promise<bigint | undefined> => {
    const measured = (await engine.service.measure()).find((each) => each.name === name)
    const value = measured?.values.find(
      ({ labels }) => labels[label] === (label === 'network' ? 'bridge' : 'one'),
    )?.value
    return value === undefined ? undefined : BigInt(value)
  }
  const ofNetwork = () => sent('caisson_network_transmit_bytes_total', 'network')
  const ofContainer = () => sent('caisson_network_container_transmit_bytes_total', 'container')
  const path = pathOf(await create('one'))
  pings(path, gateway())
  const before = (await ofNetwork()) ?? 0n
  assert.ok(before > 84n)
  assert.ok(((await ofContainer()) ?? 0n) > 84n)
  await engine.service.sandboxes.delete('one', 'test')
  assert.equal(await ofContainer(), undefined)
  const after = (await ofNetwork()) ?? 0n
  assert.ok(after >= before, `${after} is less than ${before}`)
  pings(pathOf(await create('one')), gateway())
  assert.ok(((await ofNetwork()) ?? 0n) > after)
})
