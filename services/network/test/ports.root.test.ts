import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { inNamespaces } from '@caisson/testkit'
import { formatIpv4, parseIpv4 } from '../src/ipam/ipv4.ts'
import type { PortWish } from '../src/publishing/published-port.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { bridgeWish, request, run, startEngine, succeeds, type TestEngine } from './engine.ts'
import { addressOf, connectOutside, emptyAndClose, pathIn } from './facts.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 240_000 }
const never = new AbortController().signal

const HOST = '198.51.100.1'
const CLIENT = '198.51.100.2'
const OUTSIDE = '/run/netns/outside'

let root: string
let engine: TestEngine
let stack: DisposableStack

const tcp = (hostPort: number, containerPort: number, more: Partial<PortWish> = {}): PortWish => ({
  transport: 'tcp',
  hostAddress: undefined,
  hostPort,
  containerPort,
  count: 1,
  ...more,
})
const udp = (hostPort: number, containerPort: number): PortWish => tcp(hostPort, containerPort, { transport: 'udp' })

const create = (id: string, ...ports: PortWish[]): Promise<Sandbox> =>
  engine.service.sandboxes.create({ ...request(id, bridgeWish), ports }, 'test', never)

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

/** Says its own port and who called, over TCP and UDP. */
const ECHO = `
import socket, sys, threading
def tcp(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('0.0.0.0', port)); s.listen()
    while True:
        c, who = s.accept()
        threading.Thread(target=lambda: talk(c, who, port), daemon=True).start()
def talk(c, who, port):
    c.sendall(f'{port} {who[0]}\\n'.encode())
    while d := c.recv(4096): c.sendall(d)
    c.close()
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', port))
    while True:
        d, who = s.recvfrom(4096); s.sendto(f'{port} {who[0]}\\n'.encode(), who)
for port in map(int, sys.argv[1:]):
    threading.Thread(target=tcp, args=(port,), daemon=True).start()
    threading.Thread(target=udp, args=(port,), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
`

async function python(command: string[], script: string, args: readonly (string | number)[]): Promise<ChildProcess> {
  const [program = '', ...rest] = [...command, 'python3', '-c', script, ...args.map(String)]
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  stack.defer(() => child.kill('SIGKILL'))
  await once(child.stdout ?? assert.fail('no output'), 'data')
  return child
}

const within = (path: string): string[] => ['nsenter', `--net=${path}`]
const echo = (sandbox: Sandbox, ...ports: number[]): Promise<ChildProcess> =>
  python(within(pathOf(sandbox)), ECHO, ports)

const CALL = `
import socket, sys
kind, address, port, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
s.settimeout(2)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if source: s.bind(('0.0.0.0', source))
s.connect((address, port))
if kind == 'udp': s.send(b'x')
print(s.recv(100).decode().strip())
`

/** What whoever answers says; '' when nobody does. From the host, or from inside a namespace. */
function call(from: string | undefined, kind: 'tcp' | 'udp', address: string, port: number, source = 0): string {
  const command = `python3 -c "${CALL.replaceAll('"', '\\"')}" ${kind} ${address} ${port} ${source} 2>/dev/null || true`
  return (from === undefined ? run(command) : run(`nsenter --net=${from} ${command}`)).trim()
}

/** The host has two addresses there. */
function connect(): void {
  connectOutside(HOST, CLIENT, true)
  run('ip addr add 198.51.100.9/24 dev uplink')
}

before(() => {
  if (skip) return
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  connect()
})

after(() => {
  if (!skip) run('ip netns del outside')
})

beforeEach(() => {
  stack = new DisposableStack()
  root = mkdtempSync('/tmp/caisson-ports-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
})

afterEach(async () => {
  await emptyAndClose(engine)
  stack.dispose()
  assert.doesNotMatch(run('nft list tables'), /caisson/)
  rmSync(root, { recursive: true })
})

test(
  'NET-21: a published port is reached from outside with the address of the client, TCP and UDP',
  hosted,
  async () => {
    const web = await create('web', tcp(8080, 80), udp(8053, 53))
    await echo(web, 80, 53, 81)
    assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `80 ${CLIENT}`)
    assert.equal(call(OUTSIDE, 'udp', HOST, 8053), `53 ${CLIENT}`)
    assert.equal(call(OUTSIDE, 'tcp', '198.51.100.9', 8080), `80 ${CLIENT}`)
    assert.equal(call(OUTSIDE, 'tcp', HOST, 8081), '', 'no other port leads anywhere')
    assert.equal(call(OUTSIDE, 'udp', HOST, 8080), '', 'nor does the same one of another protocol')
  },
)

test(
  'nothing that is not published is reached from outside, not even by who knows the address inside',
  hosted,
  async () => {
    const web = await create('web', tcp(8080, 80))
    await echo(web, 80, 81)
    run(`ip -n outside route add ${addressOf(web)}/32 via ${HOST}`)
    assert.equal(call(OUTSIDE, 'tcp', addressOf(web), 81), '')
    assert.equal(call(OUTSIDE, 'tcp', addressOf(web), 80), '', 'published is the port of the host')
    assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `80 ${CLIENT}`)
  },
)

test('the host reaches it by each of its addresses, and by its loopback', hosted, async () => {
  const web = await create('web', tcp(8080, 80), udp(8053, 53))
  await echo(web, 80, 53)
  const gateway = formatIpv4(engine.service.networks.bridges()[0]?.bridge.gateway ?? 0)
  assert.equal(call(undefined, 'tcp', '127.0.0.1', 8080), `80 ${gateway}`)
  assert.equal(call(undefined, 'udp', '127.0.0.1', 8053), `53 ${gateway}`)
  assert.equal(call(undefined, 'tcp', HOST, 8080), `80 ${HOST}`)
  assert.equal(call(undefined, 'tcp', gateway, 8080), `80 ${gateway}`)
})

test('containers of the network reach it by the address of the host, itself included', hosted, async () => {
  const [web, other] = [await create('web', tcp(8080, 80)), await create('other')]
  await echo(web, 80)
  const gateway = formatIpv4(engine.service.networks.bridges()[0]?.bridge.gateway ?? 0)
  assert.equal(call(pathOf(other), 'tcp', HOST, 8080), `80 ${gateway}`)
  assert.equal(call(pathOf(other), 'tcp', gateway, 8080), `80 ${gateway}`)
  assert.equal(call(pathOf(web), 'tcp', HOST, 8080), `80 ${gateway}`)
  assert.match(call(pathOf(other), 'tcp', addressOf(web), 80), new RegExp(`^80 ${addressOf(other)}$`))
})

test('NET-06: what is published on the loopback is reached from there only', hosted, async () => {
  const local = parseIpv4('127.0.0.1')
  const [web, other] = [await create('web', tcp(8080, 80, { hostAddress: local })), await create('other')]
  await echo(web, 80)
  assert.match(call(undefined, 'tcp', '127.0.0.1', 8080), /^80 /)
  assert.equal(call(undefined, 'tcp', HOST, 8080), '')
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), '')
  // A neighbour who puts 127.0.0.1 on the wire.
  const gateway = formatIpv4(engine.service.networks.bridges()[0]?.bridge.gateway ?? 0)
  for (const [from, via] of [
    [OUTSIDE, HOST],
    [pathOf(other), gateway],
  ] as const) {
    sendLoopbackTo(from, via)
    assert.equal(call(from, 'tcp', '127.0.0.1', 8080), '', from)
  }
  run('ip netns del outside; ip link del uplink 2>/dev/null; ip netns add outside')
  connect()
})

test('a container does not reach services on the loopback of the host', hosted, async () => {
  const web = await create('web', tcp(8080, 80))
  const server = createServer((connection) => connection.end('secret')).listen(9999, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => server.close())
  const gateway = formatIpv4(engine.service.networks.bridges()[0]?.bridge.gateway ?? 0)
  assert.equal(run(`cat /proc/sys/net/ipv4/conf/csn${engine.tag}/route_localnet`).trim(), '1')
  sendLoopbackTo(pathOf(web), gateway)
  const before = martians()
  assert.equal(call(pathOf(web), 'tcp', '127.0.0.1', 9999), '')
  assert.ok(martians() > before, 'the packets came and were dropped')
})

/** What is meant for 127.0.0.1 leaves that namespace, as if it were any address. */
const sendLoopbackTo = (path: string, via: string): string =>
  run(`nsenter --net=${path} sh -c '
    sysctl -qw net.ipv4.conf.eth0.route_localnet=1
    ip route del local 127.0.0.1 dev lo table local; ip route del local 127.0.0.0/8 dev lo table local
    ip route add 127.0.0.1/32 via ${via} dev eth0 table local'`)

const martians = (): number =>
  [...run(`nft list chain inet caisson_${engine.tag} martians`).matchAll(/packets (\d+)/g)].reduce(
    (sum, [, packets]) => sum + Number(packets),
    0,
  )

test('on one address of the host it is reached by that address', hosted, async () => {
  const web = await create('web', tcp(8080, 80, { hostAddress: parseIpv4('198.51.100.9') }))
  await echo(web, 80)
  assert.equal(call(OUTSIDE, 'tcp', '198.51.100.9', 8080), `80 ${CLIENT}`)
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), '')
  await assert.rejects(create('wrong', tcp(8081, 80, { hostAddress: parseIpv4('203.0.113.1') })), {
    reason: 'ADDRESS_NOT_LOCAL',
  })
})

test('ranges lead to the port of the same place, shifted or not', hosted, async () => {
  const web = await create('web', tcp(8000, 8000, { count: 1000 }), tcp(9000, 7000, { count: 500 }))
  await echo(web, 8000, 8999, 7000, 7333, 7499)
  for (const port of [8000, 8999]) assert.equal(call(OUTSIDE, 'tcp', HOST, port), `${port} ${CLIENT}`)
  for (const port of [9000, 9333, 9499]) assert.equal(call(OUTSIDE, 'tcp', HOST, port), `${port - 2000} ${CLIENT}`)
  assert.equal(call(undefined, 'tcp', '127.0.0.1', 8999).split(' ')[0], '8999')
})

test('refuses a port that another container or a process of the host has, and names who', hosted, async () => {
  await create('web', tcp(8080, 80))
  const refusal = async (...ports: PortWish[]): Promise<CaissonError> => {
    const error = await create('late', ...ports).then(
      () => undefined,
      (each: unknown) => each,
    )
    assert.ok(error instanceof CaissonError && error.reason === 'PORT_IN_USE', String(error))
    return error
  }
  assert.match((await refusal(tcp(8080, 81))).message, /port 8080\/tcp of every address is published by container web/)
  assert.equal((await refusal(tcp(8000, 81, { count: 100 }))).details['owner'], 'web')
  await python([], ECHO, [8090])
  assert.match((await refusal(tcp(8090, 80))).message, /8090\/tcp of every address is in use by python3 \(\d+\)/)
  assert.match((await refusal(udp(8090, 80))).message, /8090\/udp/)
  assert.match((await refusal(tcp(8000, 8000, { count: 1000, hostAddress: parseIpv4(HOST) }))).message, /container web/)
  assert.match((await refusal(tcp(8081, 8081, { count: 1000 }))).message, /8090\/tcp .* python3/)
  assert.equal(engine.store.publications().length, 1)
  assert.equal(engine.service.sandboxes.list().length, 1)
})

test('a process of the host cannot take a port that is published', hosted, async () => {
  await create('web', tcp(8080, 80), udp(8053, 53))
  const bind = (kind: string, port: number) =>
    succeeds(
      `python3 -c "import socket; s=socket.socket(socket.AF_INET, socket.${kind}); s.setsockopt(1, 2, 1); s.bind(('0.0.0.0', ${port})); s.listen()"`,
    )
  assert.ok(!bind('SOCK_STREAM', 8080))
  assert.ok(bind('SOCK_STREAM', 8082))
  await engine.service.sandboxes.delete('web', 'test')
  assert.ok(bind('SOCK_STREAM', 8080))
})

test('a port is chosen that is free, and stays over a restart', hosted, async () => {
  const web = await create('web', tcp(0, 80), tcp(0, 81))
  await echo(web, 80, 81)
  const [one, two] = engine.service.publications.of('web')
  assert.ok(one && two && one.hostPort !== two.hostPort && one.hostPort >= 32768)
  assert.equal(call(OUTSIDE, 'tcp', HOST, one.hostPort), `80 ${CLIENT}`)
  engine[Symbol.dispose]()
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  assert.deepEqual(engine.service.publications.of('web'), [one, two])
  assert.equal(call(OUTSIDE, 'tcp', HOST, two.hostPort), `81 ${CLIENT}`)
})

test('an update changes what is published at once, and flows through what is gone end', hosted, async () => {
  const web = await create('web', tcp(8080, 80), udp(8053, 53))
  await echo(web, 80, 81, 53, 54)
  assert.equal(call(OUTSIDE, 'udp', HOST, 8053, 5555), `53 ${CLIENT}`)
  await engine.service.sandboxes.publish('web', [tcp(8080, 81), udp(8054, 53), tcp(8000, 8000, { count: 50 })], 'test')
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `81 ${CLIENT}`)
  assert.equal(call(OUTSIDE, 'udp', HOST, 8053, 5555), '', 'the flow went with the mapping')
  assert.equal(call(OUTSIDE, 'udp', HOST, 8054, 5555), `53 ${CLIENT}`)
  await engine.service.sandboxes.publish('web', [udp(8054, 54), tcp(8000, 8000, { count: 100 })], 'test')
  assert.equal(call(OUTSIDE, 'udp', HOST, 8054, 5555), `54 ${CLIENT}`, 'the same flow, to another port')
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), '')
  await engine.service.sandboxes.publish('web', [], 'test')
  assert.deepEqual(engine.store.publications(), [])
  assert.doesNotMatch(run('nft list ruleset'), /: 172\.|: 192\.168/)
})

test('a sender that never pauses finds a port that is published under it', hosted, async () => {
  await create('other', tcp(1, 1))
  assert.equal(call(OUTSIDE, 'udp', HOST, 8053, 5555), '')
  const web = await create('web', udp(8053, 53))
  await echo(web, 53)
  assert.equal(call(OUTSIDE, 'udp', HOST, 8053, 5555), `53 ${CLIENT}`)
})

const TALK = `
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); f = s.makefile('rwb', buffering=0)
print(f.readline().decode().strip(), flush=True)
for line in sys.stdin:
    f.write(line.encode()); print(f.readline().decode().strip(), flush=True)
`

test('an open connection outlives an end of the service without warning and its next start', hosted, async () => {
  const web = await create('web', tcp(8080, 80))
  await echo(web, 80)
  const client = await python(within(OUTSIDE), TALK, [HOST, 8080])
  const say = async (word: string): Promise<string> => {
    client.stdin?.write(`${word}\n`)
    const [said] = await once(client.stdout ?? assert.fail(), 'data', { signal: AbortSignal.timeout(5_000) })
    return String(said).trim()
  }
  assert.equal(await say('one'), 'one')
  engine[Symbol.dispose]()
  assert.equal(await say('two'), 'two')
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `80 ${CLIENT}`, 'new ones come in while it is away')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
  assert.equal(await say('three'), 'three')
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `80 ${CLIENT}`)
})

test('rules that somebody flushes stay, or are back at once', hosted, async () => {
  const web = await create('web', tcp(8080, 80))
  await echo(web, 80)
  run('nft flush ruleset 2>/dev/null || true')
  await sleep(200)
  assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), `80 ${CLIENT}`)
})

test(
  'NET-08: an operator shuts a published port with a rule of their own, by its number on the host',
  hosted,
  async () => {
    const web = await create('web', tcp(8080, 80), tcp(8081, 80))
    await echo(web, 80)
    run(`nft 'add table inet site; add chain inet site published { type filter hook forward priority -10; }
    add rule inet site published ct status dnat meta l4proto tcp ct original proto-dst 8080 ip saddr 198.51.100.0/24 drop'`)
    try {
      assert.equal(call(OUTSIDE, 'tcp', HOST, 8080), '')
      assert.equal(call(OUTSIDE, 'tcp', HOST, 8081), `80 ${CLIENT}`)
    } finally {
      run('nft delete table inet site')
    }
  },
)
