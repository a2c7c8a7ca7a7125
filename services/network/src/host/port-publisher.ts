import { readFileSync, writeFileSync } from 'node:fs'
import type { Logger } from '@caisson/service-kit'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
import { reflectAtPort } from '../kernel/rtnetlink/link.ts'
import type { HostPorts, Publication } from '../publishing/published-port.ts'
import { Connections } from './connections.ts'
import type { Firewall } from './firewall.ts'
import { HeldPorts } from './held-ports.ts'

const EPHEMERAL = '/proc/sys/net/ipv4/ip_local_port_range'

/** Published ports on this machine: rules, the connections that the kernel knows, and sockets that keep others away. */
export class PortPublisher implements Disposable {
  readonly #firewall: Firewall
  readonly #route: NetlinkSocket
  readonly #log: Logger
  readonly #connections = new Connections()
  readonly #held = new HeldPorts()
  readonly #bridges = new Set<string>()
  /** Ports of bridges that something is published through, as of the last time all rules were put in place. */
  #through: ReadonlySet<string> = new Set()
  #inUse = false

  constructor(firewall: Firewall, route: NetlinkSocket, log: Logger) {
    this.#firewall = firewall
    this.#route = route
    this.#log = log
  }

  hold(ports: HostPorts): Promise<Disposable> {
    return this.#held.hold(ports)
  }

  ephemeralPorts(): { first: number; last: number } {
    const [first, last] = readFileSync(EPHEMERAL, 'utf8').trim().split(/\s+/).map(Number)
    if (first === undefined || last === undefined) throw new Error(`${EPHEMERAL} does not hold two numbers`)
    return { first, last }
  }

  publish(removed: readonly Publication[], added: readonly Publication[]): void {
    // What may fail comes before the rules: they are all or nothing.
    for (const { portName, ports } of added) if (ports.length > 0) this.#reflect(portName)
    this.#openLoopback(added)
    try {
      this.#firewall.publish(removed, added)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#publishOneByOne(removed, added)
    }
    this.#settle(removed, added)
  }

  /** The rules were put in place as a whole. */
  programmed(published: readonly Publication[]): void {
    this.#through = new Set(published.filter(({ ports }) => ports.length > 0).map(({ portName }) => portName))
    this.#openLoopback(published)
    this.#settle([], published)
  }

  /** A port was put back on its bridge, after the rules were put in place. */
  replugged(portName: string): void {
    if (this.#through.has(portName)) this.#reflect(portName)
  }

  addBridge(name: string): void {
    this.#bridges.add(name)
    if (this.#inUse) routeLoopback(name)
  }

  removeBridge(name: string): void {
    this.#bridges.delete(name)
    if (this.#bridges.size === 0) this.#inUse = false
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]()
    this.#connections[Symbol.dispose]()
  }

  /**
   * A container that calls itself by the host's address: where bridged packets are shown to the rules (br_netfilter) its
   * packet never leaves the bridge, and has to go back to the port that it came from.
   */
  #reflect(portName: string): void {
    this.#route.request(`let ${portName} reach itself`, [reflectAtPort(portName)])
  }

  /** Somebody else removed elements: what is left of them goes, and what comes comes in one step all the same. */
  #publishOneByOne(removed: readonly Publication[], added: readonly Publication[]): void {
    for (const publication of removed)
      for (const port of publication.ports)
        try {
          this.#firewall.publish([{ ...publication, ports: [port] }], [])
        } catch (error) {
          if (!hasCode(error, 'ENOENT')) throw error
        }
    this.#firewall.publish([], added)
  }

  #openLoopback(added: readonly Publication[]): void {
    if (this.#inUse || !added.some(({ ports }) => ports.length > 0)) return
    for (const name of this.#bridges) routeLoopback(name)
    this.#inUse = true
  }

  #settle(removed: readonly Publication[], added: readonly Publication[]): void {
    try {
      this.#connections.endThrough(removed)
      this.#connections.endPast(added)
    } catch (error) {
      this.#log.warn({ err: error }, 'connections of changed ports could not be ended: the kernel lists none')
    }
  }
}

/** Who calls 127.0.0.1 keeps that address until the packet leaves through the bridge; rules keep it from the other side. */
function routeLoopback(bridge: string): void {
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1')
}
