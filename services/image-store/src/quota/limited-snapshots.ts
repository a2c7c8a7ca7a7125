import type { RepeatedWork } from '../garbage/scheduler.ts'
import type { Quotas } from './quotas.ts'

const SWEEP_MS = 60_000

/** Sets the limits again when the service starts, and frees the projects of snapshots that are gone. */
export function limitedSnapshots(quotas: Pick<Quotas, 'restore' | 'sweep'>): RepeatedWork {
  let isRestored = false
  return {
    name: 'quotas',
    next: () => (isRestored ? SWEEP_MS : 0),
    run: async (signal) => {
      if (!isRestored) await quotas.restore(signal)
      isRestored = true
      await quotas.sweep(signal)
    },
  }
}
