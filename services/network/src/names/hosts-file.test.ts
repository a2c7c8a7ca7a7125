import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostsInside, hostsOfHost } from './hosts-file.ts'
import { wireOn } from './wire.fixture.ts'

const noHosts = { extraHosts: {} }

test('has a line for each of its addresses, and the host at the gateway of the default route', () => {
  const dns = { extraHosts: { db: '10.1.2.3', host: 'host-gateway' } }
  const wires = [wireOn('vault', '10.9.0.2', { internal: true }), wireOn('front', '10.1.0.2')]
  const lines = hostsInside('web', wires, dns).split('\n')
  assert.equal(lines[0], '127.0.0.1\tlocalhost')
  assert.deepEqual(lines.slice(-5), ['10.1.2.3\tdb', '10.1.0.1\thost', '10.9.0.2\tweb', '10.1.0.2\tweb', ''])
})

test('a host name with a domain is there with it first, and without it', () => {
  assert.ok(
    hostsInside('web.example.org', [wireOn('front', '10.1.0.2')], noHosts).endsWith('10.1.0.2\tweb.example.org web\n'),
  )
})

test('without a network its own name and the host are the loopback', () => {
  const hosts = hostsInside('web', [], { extraHosts: { host: 'host-gateway' } })
  assert.ok(hosts.endsWith('127.0.0.1\thost\n127.0.0.1\tweb\n'))
  assert.ok(hostsInside('', [], noHosts).endsWith('ip6-allrouters\n'), 'no host name, no line')
})

test('in the host its file stays and only gets more lines', () => {
  assert.equal(
    hostsOfHost('127.0.0.1 localhost', { extraHosts: { db: '10.1.2.3' } }),
    '127.0.0.1 localhost\n10.1.2.3\tdb\n',
  )
  assert.equal(hostsOfHost('127.0.0.1 localhost\n', noHosts), '127.0.0.1 localhost\n')
})
