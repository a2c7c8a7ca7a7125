import { isDeepStrictEqual } from 'node:util'
import { isDnsName } from './dns-names.ts'
import type { NameServer } from './ports.ts'

/** Who answers to a name: those of the lowest rank that there is, and they alone. */
const OWN = 0
const QUALIFIED = 1
const OF_THE_HOST = 2

type Holder = { readonly addresses: readonly string[]; readonly rank: number }

export type Member = {
  /** The first is also what its addresses reverse to. */
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}

/** What the host is called where it can be reached. */
export const HOST_NAMES: readonly string[] = ['host.docker.internal', 'host.containers.internal']

const HOST = 'host'

export type ZoneOptions = {
  readonly server: Pick<NameServer, 'setName' | 'setReverse'>
  readonly networkId: string
  readonly networkName: string
  /** Addresses of the host on it; none: it cannot be reached. */
  readonly host: readonly string[]
}

/**
 * The names of one network. Each is there as it is and with the name of the network behind it; who is called exactly as
 * asked goes before who is called so with the network's name, and both before the host.
 */
export class Zone {
  readonly #options: ZoneOptions
  /** By name in lower case, and then by who has it. */
  readonly #holders = new Map<string, Map<string, Holder>>()
  readonly #members = new Map<string, Member>()

  constructor(options: ZoneOptions) {
    this.#options = options
    if (options.host.length > 0)
      for (const name of HOST_NAMES) this.#hold(name, HOST, { addresses: options.host, rank: OF_THE_HOST })
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  /** Those who share a name get its questions in turn. */
  add(id: string, member: Member): void {
    const known = this.#members.get(id)
    if (known !== undefined && isDeepStrictEqual(known, member)) return
    this.remove(id)
    const { server, networkId } = this.#options
    const { names, addresses } = member
    this.#members.set(id, member)
    for (const name of names.flatMap((each) => this.#qualified(each)))
      this.#hold(name, id, { addresses, rank: QUALIFIED })
    for (const name of names) this.#hold(name, id, { addresses, rank: OWN })
    const reverse = names.flatMap((each) => this.#qualified(each))[0] ?? names[0]
    for (const address of addresses) server.setReverse(networkId, address, reverse)
  }

  remove(id: string): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    const { server, networkId } = this.#options
    for (const name of member.names.flatMap((each) => [each, ...this.#qualified(each)])) this.#release(name, id)
    for (const address of member.addresses) server.setReverse(networkId, address, undefined)
  }

  /** With the network's name behind it, unless that makes no name. */
  #qualified(name: string): string[] {
    const qualified = `${name}.${this.#options.networkName}`
    return isDnsName(qualified) ? [qualified] : []
  }

  #hold(name: string, id: string, holder: Holder): void {
    const key = name.toLowerCase()
    const holders = this.#holders.get(key) ?? new Map<string, Holder>()
    this.#holders.set(key, holders.set(id, holder))
    this.#say(key, holders)
  }

  #release(name: string, id: string): void {
    const key = name.toLowerCase()
    const holders = this.#holders.get(key)
    if (!holders?.delete(id)) return
    if (holders.size === 0) this.#holders.delete(key)
    this.#say(key, holders)
  }

  #say(key: string, holders: ReadonlyMap<string, Holder>): void {
    const { server, networkId } = this.#options
    const rank = Math.min(...[...holders.values()].map((holder) => holder.rank))
    const answering = [...holders.values()].filter((holder) => holder.rank === rank)
    server.setName(networkId, key, [...new Set(answering.flatMap(({ addresses }) => addresses))])
  }
}
