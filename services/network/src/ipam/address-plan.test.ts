import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSubnet, isIpv4Subnet, parseSubnet, type SubnetOf } from './address.ts'
import { planAddresses, requireUsable } from './address-plan.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from './ipv4.ts'

function subnet(text: string): SubnetOf<Ipv4> {
  const parsed = parseSubnet(text)
  assert.ok(parsed && isIpv4Subnet(parsed), text)
  return parsed
}

const plan = (text: string, wish: { gateway?: string; range?: string; auxiliary?: Record<string, string> } = {}) => {
  const { gateway, range, auxiliary } = planAddresses(subnet(text), {
    subnet: undefined,
    gateway: wish.gateway === undefined ? undefined : parseIpv4(wish.gateway),
    range: wish.range === undefined ? undefined : subnet(wish.range),
    auxiliary: Object.fromEntries(
      Object.entries(wish.auxiliary ?? {}).map(([name, address]) => [name, parseIpv4(address) ?? 0]),
    ),
  })
  return [formatIpv4(gateway), formatSubnet(range), Object.keys(auxiliary).length]
}

test('completes what is not said', () => {
  assert.deepEqual(plan('10.1.0.0/24'), ['10.1.0.1', '10.1.0.0/24', 0])
  assert.deepEqual(plan('10.1.0.0/24', { range: '10.1.0.128/25' }), ['10.1.0.1', '10.1.0.128/25', 0])
  assert.deepEqual(plan('10.1.0.0/24', { auxiliary: { a: '10.1.0.1', b: '10.1.0.2' } }), ['10.1.0.3', '10.1.0.0/24', 2])
})

test('refuses what leaves no gateway, or names an address twice', () => {
  const both = { a: '10.1.0.1', b: '10.1.0.2' }
  assert.throws(() => plan('10.1.0.0/30', { auxiliary: both }), { reason: 'GATEWAY_INVALID' })
  assert.throws(() => plan('10.1.0.0/24', { auxiliary: { a: '10.1.0.9', b: '10.1.0.9' } }), {
    reason: 'AUXILIARY_ADDRESS_INVALID',
  })
})

test('knows which subnets are for containers', () => {
  for (const text of ['10.0.0.0/8', '172.16.0.0/30', '100.64.0.0/10', '203.0.113.0/24']) requireUsable(subnet(text))
  for (const text of ['0.0.0.0/0', '8.0.0.0/7', '10.0.0.0/31', '127.0.0.0/8', '169.254.0.0/16', '240.0.0.0/8'])
    assert.throws(() => requireUsable(subnet(text)), { code: 'invalid-argument', reason: 'SUBNET_INVALID' }, text)
})
