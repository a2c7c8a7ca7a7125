import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSubnet, isIpv4Subnet, maskOf, overlap, parseSubnet, type SubnetOf } from './address.ts'
import { formatIpv4, formatMac, macOf, parseIpv4, parseMac } from './ipv4.ts'
import { Leases } from './leases.ts'
import { chooseSubnet } from './subnet-choice.ts'

function subnet(text: string): SubnetOf<number> {
  const parsed = parseSubnet(text)
  assert.ok(parsed && isIpv4Subnet(parsed), text)
  return parsed
}

function address(text: string): number {
  const parsed = parseIpv4(text)
  assert.ok(parsed !== undefined, text)
  return parsed
}

test('reads addresses, and nothing that only looks like one', () => {
  assert.equal(address('255.255.255.255'), 0xffffffff)
  assert.equal(formatIpv4(address('10.88.0.2')), '10.88.0.2')
  for (const text of ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.4 ', '1.2.3.4\n', '0x1.2.3.4', '::1'])
    assert.equal(parseIpv4(text), undefined, text)
})

test('reads subnets without bits behind the prefix', () => {
  assert.equal(formatSubnet(subnet('172.16.16.0/20')), '172.16.16.0/20')
  assert.equal(formatSubnet(subnet('0.0.0.0/0')), '0.0.0.0/0')
  for (const text of ['10.0.0.1/24', '10.0.0.0/33', '10.0.0.0', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/'])
    assert.equal(parseSubnet(text), undefined, text)
  assert.deepEqual([...maskOf(subnet('10.0.0.0/20'))], [255, 255, 240, 0])
  assert.deepEqual([...maskOf(subnet('0.0.0.0/0'))], [0, 0, 0, 0])
})

test('knows subnets that share an address', () => {
  assert.ok(overlap(subnet('10.0.0.0/8'), subnet('10.1.0.0/16')))
  assert.ok(overlap(subnet('10.1.0.0/16'), subnet('10.0.0.0/8')))
  assert.ok(!overlap(subnet('10.1.0.0/16'), subnet('10.2.0.0/16')))
})

test('derives MAC addresses and refuses those nobody can have', () => {
  assert.equal(formatMac(macOf(address('10.88.0.2'))), '02:42:0a:58:00:02')
  assert.deepEqual(parseMac('02:42:0A:58:00:02'), macOf(address('10.88.0.2')))
  for (const text of ['01:00:5e:00:00:01', '00:00:00:00:00:00', '02:42:0a:58:00', '02-42-0a-58-00-02'])
    assert.equal(parseMac(text), undefined, text)
})

test('chooses the first subnet from where its search begins that nothing uses', () => {
  const pools = [{ base: subnet('172.16.0.0/12'), prefixLength: 20 }]
  const choose = (used: string[], spread: number) => {
    const chosen = chooseSubnet(pools, used.map(subnet), spread)
    return chosen && formatSubnet(chosen)
  }
  assert.equal(choose([], 0), '172.16.0.0/20')
  assert.equal(choose(['172.16.0.0/16'], 3), '172.17.0.0/20')
  assert.equal(choose(['172.31.240.0/20'], 255), '172.16.0.0/20')
  assert.equal(choose(['172.0.0.0/8'], 7), undefined)
})

test('gives addresses in order, lets one rest that came back, and says when all are gone', () => {
  const leases = new Leases(subnet('10.0.0.0/29'), [address('10.0.0.1')])
  assert.deepEqual([leases.next(), leases.next()].map(formatIpv4), ['10.0.0.2', '10.0.0.3'])
  leases.release(address('10.0.0.2'))
  assert.deepEqual([leases.next(), leases.next(), leases.next()].map(formatIpv4), ['10.0.0.4', '10.0.0.5', '10.0.0.6'])
  assert.equal(formatIpv4(leases.next()), '10.0.0.2')
  assert.throws(() => leases.next(), { code: 'resource-exhausted', reason: 'ADDRESSES_EXHAUSTED' })
})

test('takes a wanted address only when it is free and for containers', () => {
  const leases = new Leases(subnet('10.0.0.0/24'), [address('10.0.0.1')])
  leases.take(address('10.0.0.9'))
  assert.throws(() => leases.take(address('10.0.0.9')), { code: 'conflict', reason: 'ADDRESS_IN_USE' })
  for (const text of ['10.0.0.0', '10.0.0.1', '10.0.0.255', '10.0.1.2'])
    assert.throws(() => leases.take(address(text)), { reason: 'ADDRESS_OUT_OF_RANGE' }, text)
})
