import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { type Agent, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { permissionDenied } from '../errors.ts'
import type { TlsMaterial } from '../hosts/endpoint.ts'
import { bareHost, maySendTo, type Reach, reachOf } from './reach.ts'

/** Which connection a request may use. */
export interface Route {
  readonly tls: TlsMaterial
  /** Where the server stands that sent us to this one. Undefined: it was configured or asked for, and may be anywhere. */
  readonly sentFrom: Reach | undefined
  /** Where the server may be all the same. Absent: anywhere. */
  readonly reaches?: ReadonlySet<Reach>
}

/** Resolves a host name to all of its addresses. */
export type Resolver = (hostname: string) => Promise<readonly LookupAddress[]>

const MAX_FREE_SOCKETS = 16
const FREE_SOCKET_TIMEOUT_MS = 15_000

/** Keeps connections by whom they trust and how far they may reach. */
export class Agents implements Disposable {
  readonly #agents = new Map<string, Agent>()
  readonly #materials = new Map<TlsMaterial, number>()
  readonly #resolver: Resolver

  constructor(resolver: Resolver = resolveBySystem) {
    this.#resolver = resolver
  }

  /** The agent for a URL. Throws REGISTRY_ADDRESS_REFUSED for a literal address out of reach. */
  for(url: URL, route: Route): Agent {
    const host = bareHost(url.hostname)
    if (isIP(host)) checkReach(host, host, route)
    const reaches = route.reaches ? [...route.reaches].sort().join() : '*'
    const key = `${url.protocol} ${this.#materialNumber(route.tls)} ${route.sentFrom ?? ''} ${reaches}`
    const known = this.#agents.get(key)
    if (known) return known
    const agent = this.#create(url.protocol, route)
    this.#agents.set(key, agent)
    return agent
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #materialNumber(tls: TlsMaterial): number {
    const number = this.#materials.get(tls) ?? this.#materials.size
    this.#materials.set(tls, number)
    return number
  }

  #create(protocol: string, route: Route): Agent {
    const { tls } = route
    const shared = {
      keepAlive: true,
      maxFreeSockets: MAX_FREE_SOCKETS,
      timeout: FREE_SOCKET_TIMEOUT_MS,
      lookup: guardedLookup(this.#resolver, route),
    }
    if (protocol === 'http:') return new HttpAgent(shared)
    // Made once: to read hundreds of authorities anew for each connection takes longer than the handshake.
    const ca = [...systemAuthorities(), ...(tls.ca === undefined ? [] : [tls.ca])]
    const secureContext = createSecureContext({ ca, ...tls.client, minVersion: 'TLSv1.2' })
    // Explicit: the environment of the service cannot turn the check off.
    return new HttpsAgent({ ...shared, secureContext, rejectUnauthorized: true })
  }
}

/** The check stands where the addresses are handed to the socket: what a name resolves to at another time is no matter. */
function guardedLookup(resolver: Resolver, route: Route): LookupFunction {
  return (hostname, options, callback) => {
    resolver(hostname)
      .then((addresses) => {
        for (const { address } of addresses) checkReach(address, hostname, route)
        const [first] = addresses
        if (!first) throw new Error(`${hostname} has no address`)
        if (options.all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      })
      .catch((error: NodeJS.ErrnoException) => callback(error, []))
  }
}

function checkReach(address: string, host: string, { sentFrom, reaches }: Route): void {
  const reach = reachOf(address)
  const kind = reach === 'link-local' ? 'a link-local or reserved' : `a ${reach}`
  if (sentFrom !== undefined && !maySendTo(sentFrom, reach))
    throw addressRefused(`the registry points to ${host}, which is ${kind} address: that is not followed`)
  if (reaches !== undefined && !reaches.has(reach))
    throw addressRefused(`${host} is ${kind} address, where this registry may not be`)
}

const addressRefused = (message: string): Error => permissionDenied('REGISTRY_ADDRESS_REFUSED', message)

function resolveBySystem(hostname: string): Promise<LookupAddress[]> {
  const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>()
  systemLookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)))
  return promise
}

let authorities: string[] | undefined

/** Node's own and the host's, read once when the first TLS connection is made. */
function systemAuthorities(): string[] {
  authorities ??= [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])]
  return authorities
}
