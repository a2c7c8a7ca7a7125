import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

declare const subscription: unique symbol

/** What subscribe gives back; only good for unsubscribe. */
export type NativeSubscription = { readonly [subscription]: true }

/**
 * The addon, in the order of native/src/addon.c. Descriptors are plain numbers that the caller closes; every function
 * throws (or rejects with) an Error with `code` ("EEXIST"), `errno` (negative) and `syscall`, and a TypeError for
 * arguments of the wrong type.
 */
export type NativeNetlink = {
  /** A bound socket of a netlink family, in the network namespace given or in the process's own. */
  openNetlink(protocol: number, namespaceFd?: number): number

  /**
   * Sends a batch of messages and gives back all answers, once every message with NLM_F_ACK or NLM_F_DUMP has been
   * acknowledged, refused or dumped to its end. Sequence numbers rise by one within the batch. Errors inside the
   * answers are for the caller to find. ETIMEDOUT after `timeoutMs` without the last answer.
   */
  request(socketFd: number, batch: Uint8Array, timeoutMs?: number): Uint8Array

  /** As request, on a thread of the pool. One at a time on one socket. */
  requestAsync(socketFd: number, batch: Uint8Array, timeoutMs?: number): Promise<Uint8Array>

  /**
   * Makes a network namespace (or takes the one behind `fromFd`) with its loopback up, writes settings in it (file below
   * /proc/sys/net, value), and bind-mounts it on pinPath, where nothing may stand yet (EEXIST). routeFd is a
   * NETLINK_ROUTE socket inside it. Both descriptors keep the namespace alive. Leaves nothing when it fails.
   */
  createNamespace(
    pinPath: string,
    sysctls: readonly (readonly [file: string, value: string])[],
    fromFd?: number,
  ): Promise<{ namespaceFd: number; routeFd: number }>

  /** Opens a pin. EINVAL when it is a file but not a network namespace, ENOENT when it is gone. */
  openNamespace(path: string): number

  /** Detaches and removes a pin; one that is gone is no error. The kernel takes the namespace down when it is unused. */
  releaseNamespace(path: string): void

  closeDescriptor(fd: number): void

  /**
   * Makes the sockets of a name server in a network namespace: UDP and TCP (listening) at 127.0.0.11, each on a port that
   * the kernel chose, both non-blocking; and a NETLINK_NETFILTER socket there.
   */
  openNameSockets(namespaceFd: number): Promise<{
    udpFd: number
    udpPort: number
    tcpFd: number
    tcpPort: number
    netfilterFd: number
  }>

  /**
   * Sends a message (up to 4,096 bytes) with at most two descriptors to who listens at a unix socket (stream), and waits for
   * a byte: they were taken. ECONNRESET when they were not; ETIMEDOUT after 5 s. The descriptors stay the caller's.
   */
  handOver(socketPath: string, message: Uint8Array, fds: readonly number[]): Promise<void>

  /**
   * Calls back with each datagram of these multicast groups (numbers, not masks) in the process's own namespace, and
   * with null when some were lost. Does not keep the process running.
   */
  subscribe(
    protocol: number,
    groups: readonly number[],
    callback: (datagram: Uint8Array | null) => void,
  ): NativeSubscription

  /** Ends it: the callback is not called any more. Harmless the second time. */
  unsubscribe(subscription: NativeSubscription): void
}

// From src/kernel/ in a checkout, from dist/ in a bundle.
const places = ['../../native/build/netlink.node', '../native/build/netlink.node', './netlink.node']

function load(): NativeNetlink {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (path === undefined) throw new Error('netlink.node is not built: run `make -C services/network/native`')
  return createRequire(import.meta.url)(path)
}

export const native: NativeNetlink = load()
