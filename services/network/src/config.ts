import { busConfig } from '@caisson/bus'
import { baseConfig } from '@caisson/service-kit'
import { z } from 'zod'
import { type AnySubnet, bitsOf, isIpv4Subnet, parseSubnet } from './ipam/address.ts'
import { parseIpv4 } from './ipam/ipv4.ts'
import type { AddressPool } from './ipam/subnet-choice.ts'

const subnet = z.string().transform((text, context): AnySubnet => {
  const parsed = parseSubnet(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'must be a subnet such as 172.16.0.0/12 or fd00:1::/48' })
  return z.NEVER
})

const addressPool = z
  .strictObject({
    /** Where the subnets are cut out of. */
    base: subnet,
    /** Length of their prefix: 20 gives 4,093 containers each, and of IPv6 64 is usual. */
    prefixLength: z.int().min(8).max(125),
  })
  .refine(
    ({ base, prefixLength }) => prefixLength <= bitsOf(base.base) - 3,
    'prefixLength leaves no room: 29 at most, of IPv6 125',
  )
  .refine((pool) => pool.prefixLength >= pool.base.prefixLength, 'prefixLength must not be shorter than that of base')

const nameServer = z.string().refine((text) => parseIpv4(text) !== undefined, 'must be an IPv4 address')

const defaultPools: readonly AddressPool[] = [
  { base: { base: 0xac100000, prefixLength: 12 }, prefixLength: 20 },
  { base: { base: 0xc0a80000, prefixLength: 16 }, prefixLength: 22 },
]

/** DIR/etc/network.json */
export const configSchema = baseConfig.extend({
  /** Where events are published too. Absent: nowhere. */
  bus: busConfig,
  /** Namespaces on the default network that are made ahead of time, once it is used. 0: none. */
  poolSize: z.int().min(0).max(256).default(4),
  /** Namespaces with only loopback that are made ahead of time, once one was asked for. 0: none. */
  barePoolSize: z.int().min(0).max(256).default(2),
  /** Where subnets come from: the first that the host does not use. Without one of IPv6: the engine's own fd00::/8 prefix. */
  addressPools: z
    .array(addressPool)
    .refine((pools) => pools.some(({ base }) => isIpv4Subnet(base)), 'must have one of IPv4, which every network has')
    .default(() => [...defaultPools]),
  /** Name servers of containers when the host's own cannot be reached from inside. */
  fallbackDns: z.array(nameServer).default(['1.1.1.1', '8.8.8.8']),
})

export type NetworkConfig = z.infer<typeof configSchema>
