import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4 } from '../ipam/ipv4.ts'
import { hostsInside, hostsOfHost, resolvConfInside, resolvConfOfHost } from './files.ts'
import type { DnsConfig } from './sandbox.ts'

const nothing: DnsConfig = { servers: [], search: [], options: [], extraHosts: {} }
const fallback = ['1.1.1.1']

test('takes the name servers of the host that can be reached from inside', () => {
  const host =
    '# comment\nnameserver 127.0.0.1\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nsearch lan corp\noptions ndots:2\n'
  assert.equal(resolvConfInside(host, nothing, fallback), 'nameserver 10.0.0.53\nsearch lan corp\noptions ndots:2\n')
})

test('uses the fallback when none of the host is left', () => {
  assert.equal(resolvConfInside('nameserver 127.0.0.53\n', nothing, fallback), 'nameserver 1.1.1.1\n')
  assert.equal(resolvConfInside('', nothing, fallback), 'nameserver 1.1.1.1\n')
})

test('what was asked takes the place of what the host has, each on its own', () => {
  const host = 'nameserver 10.0.0.53\nsearch lan\n'
  assert.equal(
    resolvConfInside(host, { ...nothing, servers: ['9.9.9.9'] }, fallback),
    'nameserver 9.9.9.9\nsearch lan\n',
  )
  assert.equal(resolvConfInside(host, { ...nothing, search: ['.'] }, fallback), 'nameserver 10.0.0.53\n')
  assert.equal(resolvConfOfHost(host, nothing), host)
  assert.equal(resolvConfOfHost(host, { ...nothing, options: ['rotate'] }), `${host}options rotate\n`)
})

test('lists its own name at its own address, and the host at the gateway', () => {
  const dns = { ...nothing, extraHosts: { db: '10.1.2.3', host: 'host-gateway' } }
  const own = { hostname: 'web', address: parseIpv4('10.88.0.2'), gateway: parseIpv4('10.88.0.1') }
  const lines = hostsInside(own, dns).split('\n')
  assert.equal(lines[0], '127.0.0.1\tlocalhost')
  assert.deepEqual(lines.slice(-4), ['10.1.2.3\tdb', '10.88.0.1\thost', '10.88.0.2\tweb', ''])
})

test('without a network its own name is the loopback', () => {
  const own = { hostname: 'web', address: undefined, gateway: undefined }
  assert.ok(hostsInside(own, nothing).endsWith('127.0.0.1\tweb\n'))
})

test('in the host its file stays and only gets more lines', () => {
  assert.equal(
    hostsOfHost('127.0.0.1 localhost', { ...nothing, extraHosts: { db: '10.1.2.3' } }),
    '127.0.0.1 localhost\n10.1.2.3\tdb\n',
  )
  assert.equal(hostsOfHost('127.0.0.1 localhost\n', nothing), '127.0.0.1 localhost\n')
})
