import { overlap, type Subnet, subnetSize } from './ipv4.ts'

/** Subnets of one size, cut out of a larger one. */
export type AddressPool = { readonly base: Subnet; readonly prefixLength: number }

/**
 * The first free subnet of the pools that overlaps nothing in use. `spread` (any number) says where in each pool the
 * search begins, so that engines that know nothing of each other do not all want the same one. Undefined: all in use.
 */
export function chooseSubnet(
  pools: readonly AddressPool[],
  used: readonly Subnet[],
  spread: number,
): Subnet | undefined {
  for (const pool of pools) {
    const count = 2 ** (pool.prefixLength - pool.base.prefixLength)
    for (let step = 0; step < count; step++) {
      const candidate = { base: 0, prefixLength: pool.prefixLength }
      const subnet = { ...candidate, base: pool.base.base + ((spread + step) % count) * subnetSize(candidate) }
      if (!used.some((other) => overlap(subnet, other))) return subnet
    }
  }
  return undefined
}
