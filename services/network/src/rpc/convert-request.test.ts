import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Partially } from '@caisson/api'
import { CreateSandboxRequest, SandboxMode } from '@caisson/api/network'
import { sandboxRequestOf } from './convert-request.ts'

type Wish = Partially<CreateSandboxRequest>

const convert = (wish: Wish) => sandboxRequestOf(CreateSandboxRequest.fromPartial({ id: 'c1', ...wish } as never))

test('without a mode a sandbox is on the default network', () => {
  assert.deepEqual(convert({}).wish, {
    mode: 'bridge',
    namespacePath: undefined,
    attachments: [
      { network: '', address: undefined, mac: undefined, interfaceName: undefined, aliases: [], gatewayPriority: 0 },
    ],
  })
})

test('takes what it knows', () => {
  const { wish, dns } = convert({
    attachments: [
      { network: 'bridge', ipv4Address: '10.0.0.9', macAddress: '02:00:00:00:00:09', interfaceName: 'net0' },
    ],
    namespacePath: '/proc/1/ns/net',
    dns: {
      servers: ['1.1.1.1', 'fe80::1'],
      search: ['lan'],
      options: ['ndots:2'],
      extraHosts: { db: '::1', h: 'host-gateway' },
    },
  })
  assert.ok(wish.mode === 'bridge')
  assert.equal(wish.attachments[0].address, 0x0a000009)
  assert.equal(wish.namespacePath, '/proc/1/ns/net')
  assert.deepEqual(dns.extraHosts, { db: '::1', h: 'host-gateway' })
})

const wrong: [string, Wish][] = [
  ['an empty id', { id: '' }],
  ['an id that is a path', { id: '../x' }],
  ['an id with a line break', { id: 'a\nb' }],
  ['a long id', { id: 'x'.repeat(129) }],
  ['a host name with a line break', { hostname: 'a\n1.2.3.4 bank' }],
  ['a host name that is too long', { hostname: 'x'.repeat(254) }],
  ['a name server with an option behind it', { dns: { servers: ['1.1.1.1\noptions x'] } }],
  ['a name server that is a name', { dns: { servers: ['dns.lan'] } }],
  ['a search domain with a space', { dns: { search: ['a b'] } }],
  ['an option with a line break', { dns: { options: ['a\nnameserver 6.6.6.6'] } }],
  ['an extra host with a tab', { dns: { extraHosts: { 'a\tb': '1.1.1.1' } } }],
  ['an extra host without an address', { dns: { extraHosts: { a: 'b' } } }],
  ['an address that is none', { attachments: [{ ipv4Address: '10.0.0.256' }] }],
  ['a MAC address of a group', { attachments: [{ macAddress: '01:00:5e:00:00:01' }] }],
  ['an interface name with a slash', { attachments: [{ interfaceName: 'a/b' }] }],
  ['an interface name that is a folder', { attachments: [{ interfaceName: '..' }] }],
  ['an interface name that stands for every interface', { attachments: [{ interfaceName: 'all' }] }],
  ['an alias with an empty label', { attachments: [{ aliases: ['a..b'] }] }],
  ['an alias with a long label', { attachments: [{ aliases: [`${'a'.repeat(64)}.b`] }] }],
  ['more name servers than are asked', { dns: { servers: Array.from({ length: 9 }, (_, last) => `10.0.0.${last}`) } }],
  [
    'name servers of its own with mode shared',
    { mode: SandboxMode.SHARED, sharedSandboxId: 'a', dns: { servers: ['10.0.0.1'] } },
  ],
  ['an alias with a line break', { attachments: [{ aliases: ['a\nb'] }] }],
  ['too many attachments', { attachments: Array.from({ length: 33 }, (_, index) => ({ network: `n${index}` })) }],
  ['a relative namespace path', { namespacePath: 'ns' }],
  ['a namespace path with dots', { namespacePath: '/run/../x' }],
  ['a namespace path with mode host', { mode: SandboxMode.HOST, namespacePath: '/x' }],
  ['ports with mode none', { mode: SandboxMode.NONE, ports: [{ containerPort: 80 }] }],
  ['a network with mode none', { mode: SandboxMode.NONE, attachments: [{}] }],
  ['mode shared without a sandbox', { mode: SandboxMode.SHARED }],
  ['a shared sandbox with another mode', { sharedSandboxId: 'c2' }],
  ['labels that are too long', { labels: { a: 'x'.repeat(70_000) } }],
]

for (const [title, partial] of wrong)
  test(`refuses ${title}`, () => {
    assert.throws(() => convert(partial), { code: 'invalid-argument' })
  })

test('says what it does not do yet', () => {
  assert.throws(() => convert({ attachments: [{ ipv6Address: '::1' }] }), { code: 'unimplemented' })
})

test('refuses a bandwidth that is none, or that nothing could have', () => {
  for (const partial of [{ egressBitsPerSecond: 1 }, { ingressBitsPerSecond: 2e12 }])
    assert.throws(() => convert(partial), { code: 'invalid-argument' })
  assert.throws(() => convert({ mode: SandboxMode.NONE, egressBitsPerSecond: 1e6 }), { code: 'invalid-argument' })
})
