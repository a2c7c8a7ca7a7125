import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from './config.ts'
import { formatSubnet } from './ipam/ipv4.ts'

test('has a default for everything', () => {
  const config = configSchema.parse({})
  assert.equal(config.poolSize, 4)
  assert.deepEqual(
    config.addressPools.map(({ base }) => formatSubnet(base)),
    ['172.16.0.0/12', '192.168.0.0/16'],
  )
})

test('refuses pools that make no subnets, and unknown keys', () => {
  for (const wrong of [
    { addressPools: [] },
    { addressPools: [{ base: '10.0.0.1/8', prefixLength: 24 }] },
    { addressPools: [{ base: '10.0.0.0/16', prefixLength: 12 }] },
    { poolSize: -1 },
    { poolsize: 1 },
    { fallbackDns: ['localhost'] },
    { publishAddress: 'localhost' },
    { reservedPorts: [0] },
    { reservedPorts: ['22'] },
    { reservedPorts: [{ first: 10, last: 9 }] },
  ])
    assert.ok(!configSchema.safeParse(wrong).success, JSON.stringify(wrong))
  const { addressPools } = configSchema.parse({ addressPools: [{ base: '10.0.0.0/16', prefixLength: 24 }] })
  assert.deepEqual(addressPools, [{ base: { base: 0x0a000000, prefixLength: 16 }, prefixLength: 24 }])
})

test('takes an address to publish on, and ports that are reserved, single or in ranges', () => {
  const { publishAddress, reservedPorts } = configSchema.parse({
    publishAddress: '127.0.0.1',
    reservedPorts: [22, { first: 8000, last: 8010 }],
  })
  assert.equal(publishAddress, 0x7f000001)
  assert.deepEqual(reservedPorts, [
    { first: 22, last: 22 },
    { first: 8000, last: 8010 },
  ])
})
