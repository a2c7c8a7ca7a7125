import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Address } from '../ipam/address.ts'
import { ipv6OfBytes } from '../ipam/ipv6.ts'
import { hasCode } from '../kernel/netlink-socket.ts'
import type { HostPorts, Transport } from '../publishing/published-port.ts'
import { lastOf, share } from '../publishing/published-port.ts'

/** Sockets of the host that are bound to a port, from proc(5). */

export type BoundSocket = {
  /** 0: every address of IPv4. Undefined: every address, as one of IPv6 mostly serves IPv4, too. */
  readonly address: Address | undefined
  readonly port: number
  readonly inode: string
}

const LISTENING = '0A'
const files: Readonly<Record<Transport, readonly string[]>> = {
  tcp: ['tcp', 'tcp6'],
  udp: ['udp', 'udp6'],
  sctp: ['sctp/eps'],
}

/** Those that wait for others; of UDP all, as it knows no difference. */
function boundSockets(transport: Transport): BoundSocket[] {
  return files[transport].flatMap((file) => {
    const [, ...lines] = readTable(file).trimEnd().split('\n')
    const parse = transport === 'sctp' ? parseSctp : (line: string) => parseLine(line, transport)
    return lines.map(parse).filter((socket) => socket !== undefined)
  })
}

function readTable(file: string): string {
  try {
    return readFileSync(`/proc/thread-self/net/${file}`, 'latin1')
  } catch (error) {
    // Without IPv6 or SCTP in the kernel.
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

function parseLine(line: string, transport: Transport): BoundSocket | undefined {
  const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
  if (transport === 'tcp' && state !== LISTENING) return undefined
  const [address = '', port = ''] = local.split(':')
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(address) || !/^[0-9A-F]{4}$/.test(port)) return undefined
  return { address: addressOf(address), port: Number.parseInt(port, 16), inode }
}

/** Words of 32 bits in the machine's order. */
function addressOf(hex: string): Address | undefined {
  const bytes = Buffer.from(hex, 'hex').swap32()
  if (bytes.length === 4) return bytes.readUInt32BE(0)
  if (/^0{32}$/.test(hex)) return undefined
  return hex.startsWith('0000000000000000FFFF0000') ? bytes.readUInt32BE(12) : ipv6OfBytes(bytes)
}

/** ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS: of several addresses, taken for all. */
function parseSctp(line: string): BoundSocket | undefined {
  const [, , , , , port = '', , inode = ''] = line.trim().split(/\s+/)
  return /^\d+$/.test(port) ? { address: undefined, port: Number(port), inode } : undefined
}

/** The first socket that already has one of these ports. */
export function socketOn(ports: HostPorts): BoundSocket | undefined {
  const { hostAddress } = ports
  return boundSockets(ports.transport).find(
    ({ address, port }) => port >= ports.hostPort && port <= lastOf(ports) && share(address, hostAddress),
  )
}

/** "nginx (1234)"; undefined when its process is not to be found, as of another namespace of processes. */
export function ownerOf({ inode }: BoundSocket): string | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    if (hasSocket(pid, inode)) return `${nameOf(pid)} (${pid})`
  return undefined
}

function hasSocket(pid: string, inode: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`)
  } catch {
    // It ended, or closed the file, meanwhile: then it is not the one.
    return false
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'a process that ended'
  }
}
