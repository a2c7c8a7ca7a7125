import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Protocol, SandboxMode } from '@caisson/api/network'
import { parseNetwork, parsePort } from './network.ts'

test('reads how a container gets its network', () => {
  assert.deepEqual(parseNetwork([]), { mode: SandboxMode.BRIDGE })
  assert.deepEqual(parseNetwork(['bridge']), { mode: SandboxMode.BRIDGE })
  assert.deepEqual(parseNetwork(['none']), { mode: SandboxMode.NONE })
  assert.deepEqual(parseNetwork(['host']), { mode: SandboxMode.HOST })
  assert.deepEqual(parseNetwork(['container:web']), { mode: SandboxMode.SHARED, container: 'web' })
  assert.deepEqual(parseNetwork(['front', 'back']), {
    mode: SandboxMode.BRIDGE,
    attachments: [{ network: 'front' }, { network: 'back' }],
  })
})

test('reads what is said of an attachment', () => {
  assert.deepEqual(
    parseNetwork(['front:ip=10.1.0.9,mac=02:00:00:00:00:09,priority=-1', 'back:interface=net0,alias=db']),
    {
      mode: SandboxMode.BRIDGE,
      attachments: [
        {
          network: 'front',
          ipv4Address: '10.1.0.9',
          macAddress: '02:00:00:00:00:09',
          gatewayPriority: -1,
          interfaceName: undefined,
          aliases: undefined,
        },
        {
          network: 'back',
          ipv4Address: undefined,
          macAddress: undefined,
          gatewayPriority: undefined,
          interfaceName: 'net0',
          aliases: ['db'],
        },
      ],
    },
  )
  const own = { ipv4Address: '10.1.0.9' }
  assert.deepEqual(parseNetwork(['front', 'back'], own).attachments, [
    { network: 'front', ipv4Address: '10.1.0.9' },
    { network: 'back' },
  ])
  assert.deepEqual(parseNetwork([], own), { mode: SandboxMode.BRIDGE, attachments: [own] })
  for (const text of ['front:', 'front:ip', 'front:ip=1,ip=2', 'front:dns=x', 'front:priority=x'])
    assert.throws(() => parseNetwork([text]), /^CaissonError: --network/, text)
  for (const text of ['none', 'host', 'container:x'])
    assert.throws(() => parseNetwork([text], own), /^CaissonError: --network/, text)
})

test('refuses networks that exclude one another', () => {
  for (const values of [['none', 'front'], ['front', 'host'], ['container:'], ['front', 'container:x'], ['']])
    assert.throws(() => parseNetwork(values), /^CaissonError: --network: /, values.join())
})

test('reads published ports', () => {
  const tcp = { protocol: Protocol.TCP, hostAddress: '', count: 1 }
  assert.deepEqual(parsePort('80'), { ...tcp, hostPort: 0, containerPort: 80 })
  assert.deepEqual(parsePort('8080:80'), { ...tcp, hostPort: 8080, containerPort: 80 })
  assert.deepEqual(parsePort('127.0.0.1:8080:80/tcp'), {
    ...tcp,
    hostAddress: '127.0.0.1',
    hostPort: 8080,
    containerPort: 80,
  })
  assert.deepEqual(parsePort('127.0.0.1::80'), { ...tcp, hostAddress: '127.0.0.1', hostPort: 0, containerPort: 80 })
  assert.deepEqual(parsePort('[::1]:53:53/udp'), {
    protocol: Protocol.UDP,
    hostAddress: '::1',
    hostPort: 53,
    containerPort: 53,
    count: 1,
  })
  assert.deepEqual(parsePort('8000-8002:9000-9002'), { ...tcp, hostPort: 8000, containerPort: 9000, count: 3 })
})

test('refuses port mappings that cannot be', () => {
  for (const text of [
    '',
    'x',
    '0',
    '65536',
    '80:70000',
    '1-2:1-3',
    '9-8:9-8',
    '80/http',
    'host:80:80',
    '1:2:3:4',
    '1-2-3:1-2-3',
  ])
    assert.throws(() => parsePort(text), /^CaissonError: --publish: /, text)
})
