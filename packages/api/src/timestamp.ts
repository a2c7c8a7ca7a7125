import type { Timestamp } from './gen/google/protobuf/timestamp.ts'

export type { Timestamp }

/** A time of nanoseconds since 1970 as a message. 0 is no time. */
export function toTimestamp(ns: bigint): Timestamp | undefined {
  if (ns === 0n) return undefined
  return { seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) }
}

/** A message as nanoseconds since 1970. No time is 0. */
export function fromTimestamp(time: Timestamp | undefined): bigint {
  return time ? BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos) : 0n
}

/** Now, in nanoseconds since 1970, by the host's clock. */
export function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
