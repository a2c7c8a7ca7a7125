import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { conflict, invalid } from '@caisson/api'
import { formatAddress, isIpv6 } from '../ipam/address.ts'
import { hasCode } from '../kernel/netlink-socket.ts'
import { describePorts } from '../publishing/describe.ts'
import type { HostPorts } from '../publishing/published-port.ts'
import { ownerOf, socketOn } from './socket-table.ts'

/** A mapping of more ports costs no descriptors: it is only seen to that nobody has them. */
export const HELD_A_MAPPING = 64
/** The same when so many are held for all mappings together. */
export const HELD_IN_ALL = 4_096

/**
 * Sockets of this service on published ports. Rules send packets on before any socket sees them, so these only keep others
 * from taking the port: two who both believe to have it is the worst that can happen.
 */
export class HeldPorts implements Disposable {
  readonly #all = new Set<DisposableStack>()
  #count = 0

  /** Throws PORT_IN_USE, ADDRESS_NOT_LOCAL. SCTP is only looked at: Node has no sockets of it. */
  async hold(ports: HostPorts): Promise<Disposable> {
    if (ports.transport === 'sctp' || ports.count > HELD_A_MAPPING || this.#count + ports.count > HELD_IN_ALL)
      return onlyLookAt(ports)
    const stack = new DisposableStack()
    this.#count += ports.count
    this.#all.add(stack)
    stack.defer(() => {
      this.#count -= ports.count
      this.#all.delete(stack)
    })
    try {
      for (let index = 0; index < ports.count; index++) {
        const one = { ...ports, hostPort: ports.hostPort + index, count: 1 }
        stack.use(await (ports.transport === 'tcp' ? holdTcp(one) : holdUdp(one)))
      }
    } catch (error) {
      stack.dispose()
      throw error
    }
    return stack
  }

  /** Lets all go. */
  [Symbol.dispose](): void {
    for (const stack of this.#all) stack.dispose()
  }
}

/** With an address of the host: whether it has that is told by binding to any port of it. */
async function onlyLookAt(ports: HostPorts): Promise<Disposable> {
  const taken = socketOn(ports)
  if (taken !== undefined) throw inUse({ ...ports, hostPort: taken.port, count: 1 })
  if (ports.hostAddress !== undefined) {
    const probe = await holdUdp({ ...ports, transport: 'udp', hostPort: 0, count: 1 })
    probe[Symbol.dispose]()
  }
  return { [Symbol.dispose]: () => {} }
}

/** For messages. */
const addressOf = ({ hostAddress }: HostPorts): string => formatAddress(hostAddress ?? 0)

const kernelHasIpv6 = (): boolean => existsSync('/proc/sys/net/ipv6')

/** What to bind to: every address of both families is one socket, which nobody of either may have beside it. */
function bindingOf({ hostAddress }: HostPorts): { host: string; ipv6: boolean; ipv6Only: boolean } {
  const both = hostAddress === undefined && kernelHasIpv6()
  const address = hostAddress ?? (both ? 0n : 0)
  return { host: formatAddress(address), ipv6: isIpv6(address), ipv6Only: !both }
}

async function holdTcp(ports: HostPorts): Promise<Disposable> {
  // Who gets here came while the rules were away, and is better off trying again.
  const server = createServer((connection) => connection.resetAndDestroy()).unref()
  // Later on, a connection that could not be accepted: it was to be reset anyway.
  server.on('error', () => {})
  try {
    const { host, ipv6Only } = bindingOf(ports)
    server.listen({ host, ipv6Only, port: ports.hostPort, backlog: 1, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    throw refusal(error, ports)
  }
  return { [Symbol.dispose]: () => server.close() }
}

async function holdUdp(ports: HostPorts): Promise<Disposable> {
  const { host, ipv6, ipv6Only } = bindingOf(ports)
  const socket = (ipv6 ? createSocket({ type: 'udp6', ipv6Only }) : createSocket('udp4')).unref()
  try {
    socket.bind({ address: host, port: ports.hostPort, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw refusal(error, ports)
  }
  return { [Symbol.dispose]: () => socket.close() }
}

function refusal(error: unknown, ports: HostPorts): unknown {
  if (hasCode(error, 'EADDRINUSE')) return inUse(ports, error)
  if (hasCode(error, 'EADDRNOTAVAIL'))
    return invalid(
      `${addressOf(ports)} is not an address of this host: publish on one that it has, or on every address`,
      {
        reason: 'ADDRESS_NOT_LOCAL',
        cause: error,
      },
    )
  return error
}

function inUse(ports: HostPorts, cause?: unknown) {
  const socket = socketOn(ports)
  const owner = (socket && ownerOf(socket)) ?? 'a process of the host'
  return conflict(
    'PORT_IN_USE',
    `${describePorts(ports)} is in use by ${owner}: choose another port, or end that process`,
    {
      details: { port: String(ports.hostPort), protocol: ports.transport, address: addressOf(ports), owner },
      cause,
    },
  )
}
