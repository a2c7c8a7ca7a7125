import assert from 'node:assert/strict'
import { parseIpv4, subnetOf } from '../ipam/ipv4.ts'
import type { Bridge } from '../network/network.ts'
import type { Endpoint, Wire } from '../sandbox/sandbox.ts'

/** A connection to the /24 network of an address, whose id is its name. */
export function wireOn(
  network: string,
  address: string,
  { internal = false, ...partial }: Partial<Endpoint> & Partial<Pick<Bridge, 'internal'>> = {},
): Wire {
  const own = parseIpv4(address)
  assert.ok(own !== undefined)
  const subnet = subnetOf(own, 24)
  return {
    endpoint: {
      id: `${network} ${address}`,
      networkId: network,
      interfaceName: 'eth0',
      mac: new Uint8Array(6),
      address: own,
      portName: 'csp0',
      aliases: [],
      gatewayPriority: 0,
      ...partial,
    },
    network: {
      id: network,
      name: network,
      driver: 'bridge',
      builtin: false,
      labels: {},
      options: {},
      createdAt: 0n,
      bridge: {
        name: 'csn0',
        subnet,
        gateway: subnet.base + 1,
        range: subnet,
        auxiliary: {},
        mtu: 1500,
        isolated: false,
        internal,
        masquerade: true,
      },
      origin: undefined,
    },
  }
}
