import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { encodeMessages } from '../../src/kernel/message.ts'
import { NetworkNamespace } from '../../src/kernel/namespace.ts'
import { native } from '../../src/kernel/native.ts'
import { NETLINK_ROUTE, NetlinkError, NetlinkSocket } from '../../src/kernel/netlink-socket.ts'
import { createBridge, dumpLinks, getLink, parseLink } from '../../src/kernel/rtnetlink/link.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 30_000 }

/** Calls a function of the addon as a caller without types does. */
function refuses(name: keyof typeof native, ...values: unknown[]): void {
  const call = (): unknown => Reflect.apply(native[name], undefined, values)
  assert.throws(call, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, `${name}(${values.join()})`)
}

test('every function refuses arguments of the wrong type or number', hosted, () => {
  const bytes = new Uint8Array(16)
  refuses('openNetlink')
  refuses('openNetlink', '0')
  refuses('openNetlink', 0, 'x')
  refuses('openNetlink', 1.5)
  refuses('openNetlink', 2 ** 40)
  refuses('request', 1)
  refuses('request', 1, 'bytes')
  refuses('request', 1, new Uint16Array(4))
  refuses('request', 1, bytes, Number.NaN)
  refuses('request', 1, bytes, 1, 1)
  refuses('requestAsync', {}, bytes)
  refuses('createNamespace', 7, [])
  refuses('createNamespace', '/x')
  refuses('createNamespace', '/x', 'list')
  refuses('createNamespace', '/x', [['one']])
  refuses('createNamespace', '/x', [[1, 2]])
  refuses('createNamespace', '/x\0y', [])
  refuses('createNamespace', 'x'.repeat(5000), [])
  refuses('openNamespace', undefined)
  refuses('releaseNamespace', null)
  refuses('closeDescriptor', '1')
  refuses('openNameSockets')
  refuses('openNameSockets', '1')
  refuses('handOver', '/x', bytes)
  refuses('handOver', 7, bytes, [])
  refuses('handOver', '/x', 'bytes', [])
  refuses('handOver', '/x', new Uint8Array(0), [])
  refuses('handOver', '/x', new Uint8Array(4097), [])
  refuses('handOver', '/x', bytes, 1)
  refuses('handOver', '/x', bytes, [1, 2, 3])
  refuses('handOver', '/x', bytes, ['1'])
  refuses('subscribe', 0, [1], 'callback')
  refuses('subscribe', 0, 1, () => {})
  refuses('subscribe', 0, Array(33).fill(1), () => {})
  refuses('unsubscribe', {})
  refuses('unsubscribe', undefined)
})

test('errors of the kernel carry code, errno and system call', hosted, async () => {
  assert.throws(() => native.openNetlink(99), { code: 'EPROTONOSUPPORT', errno: -93, syscall: 'socket' })
  assert.throws(() => native.openNamespace('/no/such/pin'), { code: 'ENOENT', errno: -2, syscall: 'open' })
  await assert.rejects(native.createNamespace('/no/such/folder/pin', []), { code: 'ENOENT', syscall: 'open' })
})

test('a request goes to netlink sockets only', hosted, () => {
  const batch = encodeMessages([dumpLinks()], 1)
  assert.throws(() => native.request(-1, batch), { code: 'EBADF' })
  const fd = openSync('/dev/null', 'r')
  assert.throws(() => native.request(fd, batch), { code: 'ENOTSOCK' })
  closeSync(fd)
  const socket = native.openNetlink(NETLINK_ROUTE)
  native.closeDescriptor(socket)
  assert.throws(() => native.request(socket, batch), { code: 'EBADF' })
  assert.throws(() => native.closeDescriptor(socket), { code: 'EBADF' })
})

test('a closed socket is not used again', hosted, () => {
  const socket = NetlinkSocket.open(NETLINK_ROUTE)
  socket[Symbol.dispose]()
  socket[Symbol.dispose]()
  assert.throws(() => socket.request('x', [dumpLinks()]), /closed/)
})

test('a namespace is made without the thread leaving its own, and lives as long as its pin', hosted, async () => {
  const folder = mkdtempSync('/tmp/caisson-boundary-')
  const path = join(folder, 'pin')
  const own = readlinkSync('/proc/self/ns/net')
  const made = await NetworkNamespace.create(path, [['ipv4/ip_unprivileged_port_start', '0']])
  assert.equal(readlinkSync('/proc/self/ns/net'), own)
  assert.notEqual(readlinkSync(`/proc/self/fd/${made.fd}`), own)
  assert.deepEqual(
    made.route.dump('list', dumpLinks()).map((answer) => parseLink(answer)?.name),
    ['lo'],
  )
  made[Symbol.dispose]()
  using again = NetworkNamespace.open(path)
  assert.equal(parseLink(again.route.request('look', [getLink('lo')])[0] ?? assert.fail())?.up, true)
  native.releaseNamespace(path)
  assert.ok(!existsSync(path))
  rmSync(folder, { recursive: true })
})

test('a refusal names the operation, the error and the place in the batch', hosted, () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE)
  const bridge = createBridge({ name: 'twice', mtu: 1500, address: Uint8Array.of(2, 0, 0, 0, 0, 1) })
  assert.throws(
    () => socket.request('make it twice', [bridge, bridge]),
    (error: unknown) => error instanceof NetlinkError && error.code === 'EEXIST' && error.index === 1,
  )
})

test('requests off the event loop wait for one another, and a synchronous one may not cut in', hosted, async () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE)
  const asked = [1, 2, 3].map(() => socket.requestAsync('list', [dumpLinks()]))
  assert.throws(() => socket.request('list', [dumpLinks()]), /waits for another answer/)
  const answers = await Promise.all(asked)
  assert.equal(new Set(answers.map((list) => list.length)).size, 1)
  assert.ok(socket.request('list', [dumpLinks()]).length > 0)
})

test('a subscription tells of changes until it is ended, and may be ended twice', hosted, async () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE)
  let told: (value: unknown) => void = () => {}
  const change = new Promise((resolve) => {
    told = resolve
  })
  const subscription = native.subscribe(NETLINK_ROUTE, [1], told)
  socket.request('make a bridge', [
    createBridge({ name: 'heard', mtu: 1500, address: Uint8Array.of(2, 0, 0, 0, 0, 2) }),
  ])
  assert.ok((await change) instanceof Uint8Array)
  native.unsubscribe(subscription)
  native.unsubscribe(subscription)
})

test(
  'sockets of a name server are made only in a network namespace, and given only to who listens',
  hosted,
  async () => {
    const fd = openSync('/etc/passwd', 'r')
    await assert.rejects(native.openNameSockets(fd), { code: 'EINVAL', syscall: 'setns' })
    closeSync(fd)
    await assert.rejects(native.openNameSockets(-1), { code: 'EBADF' })
    const bytes = new Uint8Array(1)
    await assert.rejects(native.handOver('/nowhere', bytes, []), { code: 'ENOENT', syscall: 'connect' })
    await assert.rejects(native.handOver(`/${'x'.repeat(200)}`, bytes, []), { code: 'ENAMETOOLONG' })
  },
)
