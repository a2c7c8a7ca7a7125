import { conflict, exhausted, invalid } from '@caisson/api'
import { contains, formatIpv4, formatSubnet, type Ipv4, type Subnet, subnetSize } from './ipv4.ts'

/**
 * Which addresses of one subnet are given out. The next one is taken behind the last, so that an address rests for as
 * long as possible before somebody else has it.
 */
export class Leases {
  readonly #subnet: Subnet
  readonly #range: Subnet
  readonly #taken = new Set<Ipv4>()
  readonly #reserved: ReadonlySet<Ipv4>
  #last: Ipv4

  /**
   * `reserved`: never given out, such as the gateway. The first and last address of the subnet are not, either. `range`:
   * where those come from that nobody wanted.
   */
  constructor(subnet: Subnet, reserved: readonly Ipv4[], range: Subnet = subnet) {
    this.#subnet = subnet
    this.#range = range
    this.#reserved = new Set([...reserved, subnet.base, subnet.base + subnetSize(subnet) - 1])
    this.#last = range.base + subnetSize(range) - 1
  }

  get count(): number {
    return this.#taken.size
  }

  /** How many may still be taken without being wanted; too few rather than too many. */
  get free(): number {
    return Math.max(0, subnetSize(this.#range) - this.#taken.size - this.#reserved.size)
  }

  /** Takes the next free address. Throws ADDRESSES_EXHAUSTED when there is none. */
  next(): Ipv4 {
    const { base } = this.#range
    const size = subnetSize(this.#range)
    for (let step = 1; step <= size; step++) {
      const address = base + ((this.#last - base + step) % size)
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
  take(address: Ipv4): void {
    if (!contains(this.#subnet, address) || this.#reserved.has(address))
      throw invalid(`${formatIpv4(address)} is not an address for containers of ${formatSubnet(this.#subnet)}`, {
        reason: 'ADDRESS_OUT_OF_RANGE',
      })
    if (this.#taken.has(address))
      throw conflict('ADDRESS_IN_USE', `the address ${formatIpv4(address)} is in use: choose another one`)
    this.#taken.add(address)
  }

  release(address: Ipv4): void {
    this.#taken.delete(address)
  }
}
