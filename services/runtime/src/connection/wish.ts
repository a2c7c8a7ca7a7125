import { BlockList, isIP } from 'node:net'
import { invalid } from '@caisson/api'
import type { AttachmentSpec } from '../container/spec.ts'
import type { NetworkFacts } from '../ports.ts'

const MAC = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i

/**
 * Refuses what could never be connected so, before it is written down: NOT_A_BRIDGE, ADDRESS_OUT_OF_RANGE, INVALID. Whether
 * an address is in use is known only when the container starts.
 */
export function requirePossible(wish: AttachmentSpec, { name, driver, subnets }: NetworkFacts): void {
  if (driver === 'host' || driver === 'none')
    throw invalid(`the network ${name} cannot be connected to: make a container with the network mode of that name`, {
      reason: 'NOT_A_BRIDGE',
    })
  requireInside(wish.ipv4Address, 'ipv4', name, subnets)
  requireInside(wish.ipv6Address, 'ipv6', name, subnets)
  if (wish.macAddress !== '' && !MAC.test(wish.macAddress))
    throw invalid(`${JSON.stringify(wish.macAddress.slice(0, 40))} is not a unicast MAC address: 02:42:0a:58:00:02`)
}

function requireInside(address: string, family: 'ipv4' | 'ipv6', network: string, subnets: readonly string[]): void {
  if (address === '') return
  if (isIP(address) !== (family === 'ipv4' ? 4 : 6))
    throw invalid(`${JSON.stringify(address.slice(0, 60))} is not an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`)
  const inside = new BlockList()
  for (const [base = '', length] of subnets.map((subnet) => subnet.split('/')))
    if (isIP(base) === isIP(address)) inside.addSubnet(base, Number(length), family)
  if (inside.check(address, family)) return
  throw invalid(`${address} is not an address of the network ${network}: it has ${subnets.join(', ')}`, {
    reason: 'ADDRESS_OUT_OF_RANGE',
  })
}
