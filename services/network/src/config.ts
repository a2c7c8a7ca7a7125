import { isIP } from 'node:net'
import { busConfig } from '@caisson/bus'
import { baseConfig } from '@caisson/service-kit'
import { z } from 'zod'
import { type Ipv4, parseIpv4, parseSubnet, type Subnet } from './ipam/ipv4.ts'
import type { AddressPool } from './ipam/subnet-choice.ts'

const subnet = z.string().transform((text, context): Subnet => {
  const parsed = parseSubnet(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'must be an IPv4 subnet such as 172.16.0.0/12' })
  return z.NEVER
})

const addressPool = z
  .strictObject({
    /** Where the subnets are cut out of. */
    base: subnet,
    /** Length of their prefix: 20 gives 4,093 containers each. */
    prefixLength: z.int().min(8).max(29),
  })
  .refine((pool) => pool.prefixLength >= pool.base.prefixLength, 'prefixLength must not be shorter than that of base')

const nameServer = z.string().refine((text) => isIP(text) !== 0, 'must be an IP address')

const address = z.string().transform((text, context): Ipv4 => {
  const parsed = parseIpv4(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'must be an IPv4 address such as 127.0.0.1' })
  return z.NEVER
})

const port = z.int().min(1).max(65_535)
const portRange = z
  .union([port.transform((only) => ({ first: only, last: only })), z.strictObject({ first: port, last: port })])
  .refine(({ first, last }) => first <= last, 'first must not be behind last')

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
  /** Namespaces that are made ahead on each network that somebody made, while containers start on it. 0: none. */
  networkPoolSize: z.int().min(0).max(16).default(2),
  /** Where subnets of networks come from: the first that the host does not use. */
  addressPools: z
    .array(addressPool)
    .min(1)
    .default(() => [...defaultPools]),
  /** Where ports are published that name no address: 127.0.0.1 keeps them from outside. Absent: on every address. */
  publishAddress: address.optional(),
  /** Ports of the host that no container gets: 22, or { "first": 8000, "last": 8010 }. */
  reservedPorts: z.array(portRange).max(1_024).default([]),
  /** Name servers that containers' questions go to when the host names none. */
  fallbackDns: z.array(nameServer).default(['1.1.1.1', '8.8.8.8']),
})

export type NetworkConfig = z.infer<typeof configSchema>
