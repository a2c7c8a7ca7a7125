import { native } from '../kernel/native.ts'
import { hasCode, NETLINK_NETFILTER, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { redirectMessages, removeRedirectMessages } from './redirect-rules.ts'

/**
 * Makes the sockets of 127.0.0.11 in the namespace pinned at `path`, leads port 53 to them, and hands them to who listens
 * at `socketPath`, behind this frame. Fails with the kernel's errors; ECONNRESET: they were not taken.
 */
export async function handOverSockets(path: string, socketPath: string, frame: Uint8Array): Promise<void> {
  using stack = new DisposableStack()
  const namespaceFd = stack.adopt(native.openNamespace(path), native.closeDescriptor)
  const made = await native.openNameSockets(namespaceFd)
  for (const fd of [made.udpFd, made.tcpFd]) stack.adopt(fd, native.closeDescriptor)
  const netfilter = stack.use(NetlinkSocket.adopt(made.netfilterFd))
  await netfilter.requestAsync(
    'lead port 53 to the resolver',
    redirectMessages({ udp: made.udpPort, tcp: made.tcpPort }),
  )
  await native.handOver(socketPath, frame, [made.udpFd, made.tcpFd])
}

/** Takes the rules out of a namespace that may outlive its sandbox. One that is gone has none. */
export async function removeRedirect(path: string): Promise<void> {
  using stack = new DisposableStack()
  try {
    const namespaceFd = stack.adopt(native.openNamespace(path), native.closeDescriptor)
    const netfilter = stack.use(NetlinkSocket.open(NETLINK_NETFILTER, namespaceFd))
    await netfilter.requestAsync('lead port 53 nowhere', removeRedirectMessages())
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EINVAL')) throw error
  }
}
