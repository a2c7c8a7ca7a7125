import { type Address, type AnySubnet, lastOf, overlap, plus, type SubnetOf, sizeOf } from './address.ts'

/** Subnets of one size, cut out of a larger one. */
export type AddressPool<A extends Address = Address> = { readonly base: SubnetOf<A>; readonly prefixLength: number }

/**
 * The first free subnet of the pools that overlaps nothing in use. `spread` (any number) says where in each pool the
 * search begins, so that engines that know nothing of each other do not all want the same one. Undefined: all in use.
 */
export function chooseSubnet<A extends Address>(
  pools: readonly AddressPool<A>[],
  used: readonly AnySubnet[],
  spread: number,
): SubnetOf<A> | undefined {
  for (const pool of pools) {
    const found = freeIn(pool, used, BigInt(spread))
    if (found !== undefined) return found
  }
  return undefined
}

function freeIn<A extends Address>(
  { base: whole, prefixLength }: AddressPool<A>,
  used: readonly AnySubnet[],
  spread: bigint,
): SubnetOf<A> | undefined {
  const size = sizeOf({ ...whole, prefixLength })
  const count = sizeOf(whole) / size
  let index = spread % count
  // What is in use is passed at once, however large: the search meets each at most on both sides of its beginning.
  for (let steps = 2 * used.length + 1; steps >= 0; steps--) {
    const subnet = { base: plus(whole.base, index * size), prefixLength }
    const other = used.find((each) => overlap(subnet, each))
    if (other === undefined) return subnet
    const behind = (BigInt(lastOf(other)) - BigInt(whole.base)) / size + 1n
    index = behind < count ? behind : 0n
  }
  return undefined
}
