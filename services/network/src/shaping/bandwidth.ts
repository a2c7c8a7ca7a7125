import type { TokenBucket } from '../kernel/rtnetlink/qdisc.ts'

/** Bits a second of each interface of a sandbox, Ethernet headers counted. 0: no limit. */
export type Bandwidth = {
  /** Out of the sandbox. */
  readonly egress: number
  /** Into it. */
  readonly ingress: number
}

export const UNLIMITED: Bandwidth = { egress: 0, ingress: 0 }

export const isUnlimited = ({ egress, ingress }: Bandwidth): boolean => egress === 0 && ingress === 0

/** Below this a packet waits for longer than anybody waits for it. */
export const LEAST_BITS_PER_SECOND = 8_000
export const MOST_BITS_PER_SECOND = 1_000_000_000_000

// The kernel may hand over packets that are cut later (GSO), of 64 KiB and their headers: a bucket that holds them spares
// cutting them. At low rates that much at once would be seconds of traffic, and packets are cut.
const BURST_SECONDS = 0.01
const QUEUE_SECONDS = 0.05
const LEAST_BURST_PACKETS = 2
const LEAST_QUEUE_PACKETS = 16
const HEADERS_BYTES = 32
const MOST_BYTES = 0x7fffffff

/** `mtu` in bytes, without the header of Ethernet. */
export function bucketOf(bitsPerSecond: number, mtu: number): TokenBucket {
  const packet = mtu + HEADERS_BYTES
  const bytes = (seconds: number): number => Math.min(Math.ceil((bitsPerSecond / 8) * seconds), MOST_BYTES)
  return {
    bytesPerSecond: BigInt(Math.floor(bitsPerSecond / 8)),
    burst: Math.max(bytes(BURST_SECONDS), packet * LEAST_BURST_PACKETS),
    queue: Math.max(bytes(QUEUE_SECONDS), packet * LEAST_QUEUE_PACKETS),
  }
}
