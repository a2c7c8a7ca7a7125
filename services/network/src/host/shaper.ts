import type { NetworkNamespace } from '../kernel/namespace.ts'
import { hasCode, type NetlinkSocket } from '../kernel/netlink-socket.ts'
import { getLink, parseLink } from '../kernel/rtnetlink/link.ts'
import { deleteRootQdisc, setTokenBucket } from '../kernel/rtnetlink/qdisc.ts'
import type { Wire } from '../sandbox/sandbox.ts'
import { type Bandwidth, bucketOf } from '../shaping/bandwidth.ts'

/**
 * Limits both ways, each where packets leave an interface: what goes out of a sandbox at its end of the wire, what comes in
 * at the bridge's. The namespace belongs to the host, so nobody inside can change the first either.
 * `host` is used off the event loop only.
 */
export async function shapeWire(
  inside: NetworkNamespace,
  host: NetlinkSocket,
  { endpoint, network }: Wire,
  bandwidth: Bandwidth,
): Promise<void> {
  const { mtu } = network.bridge
  await shapeLink(inside.route, endpoint.interfaceName, bandwidth.egress, mtu)
  await shapeLink(host, endpoint.portName, bandwidth.ingress, mtu)
}

/** Changing a bucket is quick; putting one in place waits until nobody sends the other way, some ten milliseconds. */
async function shapeLink(socket: NetlinkSocket, name: string, bitsPerSecond: number, mtu: number): Promise<void> {
  const [link] = (await socket.requestAsync(`look for ${name}`, [getLink(name)])).map(parseLink)
  if (link === undefined) throw new Error(`there is no interface ${name}`)
  if (bitsPerSecond > 0) {
    await socket.requestAsync(`limit ${name}`, [setTokenBucket(link.index, bucketOf(bitsPerSecond, mtu))])
    return
  }
  try {
    await socket.requestAsync(`let ${name} be without limit`, [deleteRootQdisc(link.index)])
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
