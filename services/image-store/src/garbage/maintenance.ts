import type { Logger } from '@caisson/service-kit'
import type { LeaseTable } from '../lease/ports.ts'
import type { Collected, Collector } from './collector.ts'
import type { ImageCollector } from './image-collector.ts'
import type { ImageUses } from './image-uses.ts'
import type { RepeatedWork } from './scheduler.ts'
import type { Verifier } from './verifier.ts'

export interface MaintenanceDeps {
  readonly imageCollector: ImageCollector
  readonly verifier: Verifier
  readonly uses: ImageUses
  readonly endedLeases: RepeatedWork
  readonly config: { readonly gc: { readonly intervalSeconds: number }; readonly scrubIntervalSeconds: number }
  readonly log: Logger
}

const USES_MS = 60_000

/** What the store does by itself. */
export function maintenance(deps: MaintenanceDeps): RepeatedWork[] {
  const { imageCollector, uses, endedLeases, config, log } = deps
  const every = (seconds: number): number | undefined => (seconds === 0 ? undefined : seconds * 1_000)
  return [
    {
      name: 'gc',
      next: () => every(config.gc.intervalSeconds),
      run: () => tell(imageCollector.collect({ dryRun: false }), log),
    },
    endedLeases,
    { name: 'uses', next: () => USES_MS, run: () => uses.flush() },
    { name: 'scrub', next: () => every(config.scrubIntervalSeconds), run: (signal) => scrub(deps, signal) },
  ]
}

async function scrub({ verifier, log }: MaintenanceDeps, signal: AbortSignal): Promise<void> {
  for await (const step of verifier.verify({ quarantine: true, repair: true }, signal))
    if ('damage' in step) log.error(step.damage, 'the store is damaged')
}

/** Collects what leases kept when they end. To be planned anew when leases change. */
export function endedLeases(
  collector: Collector,
  leases: Pick<LeaseTable, 'nextEnd'>,
  clock: () => number,
  log: Logger,
): RepeatedWork {
  return {
    name: 'leases',
    next: () => {
      const end = leases.nextEnd()
      return end === undefined ? undefined : Math.max(0, end - clock())
    },
    run: () => {
      if ((leases.nextEnd() ?? Number.POSITIVE_INFINITY) <= clock()) tell(collector.collect(), log)
    },
  }
}

function tell({ items, freedBytes }: Collected, log: Logger): void {
  if (items.length > 0) log.info({ items: items.length, freedBytes }, 'collected garbage')
}
