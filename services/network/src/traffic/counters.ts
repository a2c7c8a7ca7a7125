/** What went through an interface, as seen from inside. */
export type InterfaceCounters = {
  readonly rxBytes: bigint
  readonly rxPackets: bigint
  readonly rxErrors: bigint
  readonly rxDropped: bigint
  readonly txBytes: bigint
  readonly txPackets: bigint
  readonly txErrors: bigint
  readonly txDropped: bigint
}

export const NOTHING_YET: InterfaceCounters = {
  rxBytes: 0n,
  rxPackets: 0n,
  rxErrors: 0n,
  rxDropped: 0n,
  txBytes: 0n,
  txPackets: 0n,
  txErrors: 0n,
  txDropped: 0n,
}

const combine = (
  one: InterfaceCounters,
  other: InterfaceCounters,
  by: (one: bigint, other: bigint) => bigint,
): InterfaceCounters => ({
  rxBytes: by(one.rxBytes, other.rxBytes),
  rxPackets: by(one.rxPackets, other.rxPackets),
  rxErrors: by(one.rxErrors, other.rxErrors),
  rxDropped: by(one.rxDropped, other.rxDropped),
  txBytes: by(one.txBytes, other.txBytes),
  txPackets: by(one.txPackets, other.txPackets),
  txErrors: by(one.txErrors, other.txErrors),
  txDropped: by(one.txDropped, other.txDropped),
})

export const sumOf = (one: InterfaceCounters, other: InterfaceCounters): InterfaceCounters =>
  combine(one, other, (a, b) => a + b)

function greater(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

export const greaterOf = (one: InterfaceCounters, other: InterfaceCounters): InterfaceCounters =>
  combine(one, other, greater)

/** The same traffic, seen from the other end of the wire. */
export const seenFromOtherEnd = (counters: InterfaceCounters): InterfaceCounters => ({
  rxBytes: counters.txBytes,
  rxPackets: counters.txPackets,
  rxErrors: counters.txErrors,
  rxDropped: counters.txDropped,
  txBytes: counters.rxBytes,
  txPackets: counters.rxPackets,
  txErrors: counters.rxErrors,
  txDropped: counters.rxDropped,
})
