import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsConfig } from '../sandbox/sandbox.ts'
import { hostServersOf, resolvConfAlone, resolvConfConnected, resolvConfOfHost } from './resolv-conf.ts'

const nothing: DnsConfig = { servers: [], search: [], options: [], extraHosts: {} }
const fallback = ['1.1.1.1']

test('on a network the name server is its own, whatever the host and whoever asks has', () => {
  const host = '# comment\nnameserver 10.0.0.53\nsearch lan corp\noptions ndots:2 edns0\n'
  assert.equal(
    resolvConfConnected(host, { ...nothing, servers: ['9.9.9.9'] }),
    'nameserver 127.0.0.11\nsearch lan corp\noptions edns0 ndots:0\n',
  )
  assert.equal(resolvConfConnected('', nothing), 'nameserver 127.0.0.11\noptions ndots:0\n')
})

test('what was asked takes the place of what the host has, each on its own', () => {
  const host = 'nameserver 10.0.0.53\nsearch lan\noptions edns0\n'
  assert.equal(
    resolvConfConnected(host, { ...nothing, search: ['.'], options: ['ndots:3'] }),
    'nameserver 127.0.0.11\noptions ndots:3\n',
  )
  assert.equal(
    resolvConfConnected(host, { ...nothing, options: ['rotate'] }),
    'nameserver 127.0.0.11\nsearch lan\noptions rotate ndots:0\n',
  )
  assert.equal(resolvConfOfHost(host, nothing), host)
  assert.equal(resolvConfOfHost('search lan\n', { ...nothing, options: ['rotate'] }), 'search lan\noptions rotate\n')
})

test('without a network, name servers on the loopback of the host are left out', () => {
  const host = 'nameserver 127.0.0.1\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nsearch lan\n'
  assert.equal(resolvConfAlone(host, nothing, fallback), 'nameserver 10.0.0.53\nsearch lan\n')
  assert.equal(resolvConfAlone('nameserver 127.0.0.53\n', nothing, fallback), 'nameserver 1.1.1.1\n')
  assert.equal(resolvConfAlone('', { ...nothing, servers: ['9.9.9.9'] }, fallback), 'nameserver 9.9.9.9\n')
})

test("the host's name servers are asked from the host, so all of them do, and the fallback when there is none", () => {
  const all =
    'nameserver 127.0.0.53\nnameserver 2001:db8::53\nnameserver rubbish\nnameserver fe80::1%eth0\nnameserver 10.0.0.1\n'
  assert.deepEqual(
    hostServersOf(`${all}nameserver 10.0.0.2\n`, fallback).map(({ address, port }) => `${address} ${port}`),
    ['127.0.0.53 53', '2001:db8::53 53', '10.0.0.1 53'],
  )
  assert.deepEqual(hostServersOf('search lan\n', fallback), [{ address: '1.1.1.1', port: 53 }])
})
