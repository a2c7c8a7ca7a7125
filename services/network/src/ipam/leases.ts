import { conflict, exhausted, invalid } from '@caisson/api'
import { type Address, contains, formatAddress, formatSubnet, lastOf, plus, type SubnetOf } from './address.ts'

/**
 * Which addresses of one subnet are given out. The next one is taken behind the last, so that an address rests for as
 * long as possible before somebody else has it.
 */
export class Leases<A extends Address> {
  readonly #subnet: SubnetOf<A>
  readonly #range: SubnetOf<A>
  readonly #taken = new Set<A>()
  readonly #reserved: ReadonlySet<A>
  #last: A

  /**
   * `reserved`: never given out, such as the gateway. The first and last address of the subnet are not, either. `range`:
   * where those come from that nobody wanted.
   */
  constructor(subnet: SubnetOf<A>, reserved: readonly A[], range: SubnetOf<A> = subnet) {
    this.#subnet = subnet
    this.#range = range
    this.#reserved = new Set([...reserved, subnet.base, lastOf(subnet)])
    this.#last = lastOf(range)
  }

  get count(): number {
    return this.#taken.size
  }

  /** Takes the next free address. Throws ADDRESSES_EXHAUSTED when there is none. */
  next(): A {
    const end = lastOf(this.#range)
    let address = this.#last
    // Each step that finds none passes one that is taken or reserved.
    for (let steps = this.#taken.size + this.#reserved.size + 1; steps > 0; steps--) {
      address = address === end ? this.#range.base : plus(address, 1n)
      if (this.#taken.has(address) || this.#reserved.has(address)) continue
      this.#last = address
      this.#taken.add(address)
      return address
    }
    throw exhausted(
      'ADDRESSES_EXHAUSTED',
      `every address of ${formatSubnet(this.#range)} is in use: remove containers or use another network`,
    )
  }

  /** Takes this address. Throws when it is taken, reserved, or of another subnet. */
  take(address: A): void {
    if (!contains(this.#subnet, address) || this.#reserved.has(address))
      throw invalid(`${formatAddress(address)} is not an address for containers of ${formatSubnet(this.#subnet)}`, {
        reason: 'ADDRESS_OUT_OF_RANGE',
      })
    if (this.#taken.has(address))
      throw conflict('ADDRESS_IN_USE', `the address ${formatAddress(address)} is in use: choose another one`)
    this.#taken.add(address)
  }

  release(address: A): void {
    this.#taken.delete(address)
  }
}
