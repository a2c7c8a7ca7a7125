import { formatAddress } from '../ipam/address.ts'
import { type HostPorts, lastOf } from './published-port.ts'

/** For messages: "port 8080/tcp of every address", "ports 8000-8010/udp of 127.0.0.1". */
export function describePorts(ports: HostPorts): string {
  const span = ports.count === 1 ? `port ${ports.hostPort}` : `ports ${ports.hostPort}-${lastOf(ports)}`
  const address = ports.hostAddress === undefined ? 'every address' : formatAddress(ports.hostAddress)
  return `${span}/${ports.transport} of ${address}`
}
