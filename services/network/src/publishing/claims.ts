import { randomInt } from 'node:crypto'
import { CaissonError, conflict, exhausted, failedPrecondition } from '@caisson/api'
import { formatIpv4 } from '../ipam/ipv4.ts'
import { describePorts } from './describe.ts'
import type { PublishingHost } from './ports.ts'
import {
  clash,
  type HostPorts,
  isSameHostSide,
  type PortWish,
  type PublishedPort,
  transports,
} from './published-port.ts'

/** Of a sandbox, or reserved. */
type Claim = { readonly sandboxId: string | undefined; readonly ports: HostPorts; held: Disposable | undefined }

const EPHEMERAL_TRIES = 200
const IS_TAKEN: ReadonlySet<string> = new Set(['PORT_IN_USE', 'PORT_RESERVED'])

/** Ports that no sandbox gets. */
export type ReservedPorts = { readonly first: number; readonly last: number }

/** Who has which ports of the host: no two sandboxes the same, and no sandbox one that a process of the host has. */
export class Claims {
  readonly #host: PublishingHost
  #claims: Claim[] = []

  /** `reserved`: of every transport, on every address. */
  constructor(host: PublishingHost, reserved: readonly ReservedPorts[] = []) {
    this.#host = host
    this.#claims = reserved.flatMap(({ first, last }) =>
      transports.map((transport) => ({
        sandboxId: undefined,
        ports: { transport, hostAddress: undefined, hostPort: first, count: last - first + 1 },
        held: undefined,
      })),
    )
  }

  /**
   * Takes all of them or none; those with port 0 get one that is free. `instead`: ports that this sandbox has and gives
   * up. Throws PORT_IN_USE, PORT_RESERVED, PORTS_EXHAUSTED, ADDRESS_NOT_LOCAL.
   */
  async take(
    sandboxId: string,
    wishes: readonly PortWish[],
    instead: readonly HostPorts[] = [],
  ): Promise<PublishedPort[]> {
    this.#refuseClashes(sandboxId, wishes, instead)
    const given = this.#remove((claim) => isOneOf(claim, sandboxId, instead))
    const taken: Claim[] = []
    try {
      // Those that were asked for first: a free port must not be one of them.
      for (const wish of wishes) if (wish.hostPort !== 0) taken.push(await this.#take(sandboxId, wish))
      const ports: PublishedPort[] = []
      for (const wish of wishes) {
        if (wish.hostPort === 0) taken.push(await this.#takeFree(sandboxId, wish))
        ports.push({ ...wish, hostPort: wish.hostPort || (taken.at(-1)?.ports.hostPort ?? 0) })
      }
      return ports
    } catch (error) {
      this.#remove((claim) => taken.includes(claim))
      for (const { ports } of given) await this.retake(sandboxId, ports)
      throw error
    }
  }

  /** Undoes take: gives up `taken` and has `before` again. */
  async giveBack(sandboxId: string, taken: readonly HostPorts[], before: readonly HostPorts[]): Promise<void> {
    this.#remove((claim) => isOneOf(claim, sandboxId, taken))
    for (const ports of before) await this.retake(sandboxId, ports)
  }

  /** Takes what it had before, also when the host has given it away by now: what it says then is given back. */
  async retake(sandboxId: string, ports: HostPorts): Promise<Error | undefined> {
    const claim: Claim = { sandboxId, ports, held: undefined }
    this.#claims.push(claim)
    try {
      claim.held = await this.#host.holdPorts(ports)
      this.#keep(claim)
      return undefined
    } catch (error) {
      return CaissonError.from(error)
    }
  }

  /** Gives all back that a sandbox has. */
  release(sandboxId: string): void {
    this.#remove((claim) => claim.sandboxId === sandboxId)
  }

  #remove(goes: (claim: Claim) => boolean): Claim[] {
    const gone = this.#claims.filter(goes)
    this.#claims = this.#claims.filter((claim) => !gone.includes(claim))
    for (const { held } of gone) held?.[Symbol.dispose]()
    return gone
  }

  #refuseClashes(sandboxId: string, wishes: readonly PortWish[], instead: readonly HostPorts[]): void {
    for (const wish of wishes) {
      const other = wish.hostPort === 0 ? undefined : this.#clashing(wish, sandboxId, instead)
      if (other !== undefined) throw taken(other)
    }
  }

  #clashing(ports: HostPorts, sandboxId: string, instead: readonly HostPorts[]): Claim | undefined {
    return this.#claims.find((claim) => clash(claim.ports, ports) && !isOneOf(claim, sandboxId, instead))
  }

  async #take(sandboxId: string, ports: HostPorts): Promise<Claim> {
    const other = this.#clashing(ports, sandboxId, [])
    if (other !== undefined) throw taken(other)
    const claim: Claim = { sandboxId, ports, held: undefined }
    // At once: while the host is asked nobody else may claim them.
    this.#claims.push(claim)
    try {
      claim.held = await this.#host.holdPorts(ports)
      this.#keep(claim)
      return claim
    } catch (error) {
      this.#claims = this.#claims.filter((each) => each !== claim)
      throw error
    }
  }

  /** The claim may have been released while the host was asked. */
  #keep(claim: Claim): void {
    if (!this.#claims.includes(claim)) claim.held?.[Symbol.dispose]()
  }

  async #takeFree(sandboxId: string, wish: PortWish): Promise<Claim> {
    const { first, last } = this.#host.ephemeralPorts()
    const places = last - first + 2 - wish.count
    for (let tries = 0; tries < EPHEMERAL_TRIES && places > 0; tries++) {
      const port = { ...wish, hostPort: first + randomInt(places) }
      try {
        return await this.#take(sandboxId, port)
      } catch (error) {
        if (!(error instanceof CaissonError && IS_TAKEN.has(error.reason))) throw error
      }
    }
    const wanted = wish.count === 1 ? 'no port is' : `no ${wish.count} ports behind one another are`
    throw exhausted('PORTS_EXHAUSTED', `${wanted} free between ${first} and ${last}: name one, or remove containers`)
  }
}

const isOneOf = (claim: Claim, sandboxId: string, ports: readonly HostPorts[]): boolean =>
  claim.sandboxId === sandboxId && ports.some((each) => isSameHostSide(each, claim.ports))

function taken({ sandboxId, ports }: Claim): CaissonError {
  if (sandboxId === undefined)
    return failedPrecondition(
      'PORT_RESERVED',
      `${describePorts(ports)} is reserved (reservedPorts in network.json): choose another port`,
      { details: { port: String(ports.hostPort), protocol: ports.transport } },
    )
  return conflict(
    'PORT_IN_USE',
    `${describePorts(ports)} is published by container ${sandboxId}: choose another port, or remove that container`,
    {
      details: {
        port: String(ports.hostPort),
        protocol: ports.transport,
        address: formatIpv4(ports.hostAddress ?? 0),
        owner: sandboxId,
      },
    },
  )
}
