import { readFileSync, writeFileSync } from 'node:fs'
import { hasCode } from '../kernel/netlink-socket.ts'

const CONF = '/proc/sys/net/ipv6/conf'
const FORWARDING = `${CONF}/all/forwarding`

// Of accept_ra: routers are listened to unless this host forwards, and even then.
const UNLESS_FORWARDING = '1'
const ALWAYS = '2'

/** Remembers, over restarts of this service, the interfaces that were changed; undefined: forwarding was not turned on. */
export type Ipv6ForwardingMemory = { ipv6: readonly string[] | undefined }

/**
 * The host's forwarding of IPv6. A host that forwards takes no routes from routers any more, and drops those that it has:
 * an interface that its way out comes from is told to go on listening first.
 */
export class Ipv6Forwarding {
  readonly #memory: Ipv6ForwardingMemory
  readonly #advertisedBy: () => readonly string[]

  /** `advertisedBy`: names of the interfaces that have a default route from a router. */
  constructor(memory: Ipv6ForwardingMemory, advertisedBy: () => readonly string[]) {
    this.#memory = memory
    this.#advertisedBy = advertisedBy
  }

  turnOn(): void {
    if (read(FORWARDING) === '1') return
    const changed = this.#advertisedBy().filter((name) => read(acceptRa(name)) === UNLESS_FORWARDING)
    this.#memory.ipv6 = changed
    for (const name of changed) writeFileSync(acceptRa(name), ALWAYS)
    writeFileSync(FORWARDING, '1')
  }

  /** Undoes turnOn; nothing to undo is no error. */
  restore(): void {
    const changed = this.#memory.ipv6
    if (changed === undefined) return
    writeFileSync(FORWARDING, '0')
    for (const name of changed) if (read(acceptRa(name)) === ALWAYS) writeFileSync(acceptRa(name), UNLESS_FORWARDING)
    this.forget()
  }

  /** Somebody else relies on it by now. */
  forget(): void {
    if (this.#memory.ipv6 !== undefined) this.#memory.ipv6 = undefined
  }
}

const acceptRa = (name: string): string => `${CONF}/${name}/accept_ra`

/** Undefined when there is no such file. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
