import type { ContainerSpec } from './spec.ts'

/** What has to survive what: `power-cut`, the default, is on disk; `crash` outlives only the process. */
export type Durability = 'power-cut' | 'crash'

/** Runs work as one transaction: all of it or nothing. */
export type Transaction = <T>(work: () => T, durability?: Durability) => T

/** A container that goes with its end goes with a power cut too. */
export function durabilityOf(spec: Pick<ContainerSpec, 'autoRemove'>): Durability {
  return spec.autoRemove ? 'crash' : 'power-cut'
}
