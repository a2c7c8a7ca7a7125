import { setTimeout as sleep } from 'node:timers/promises'
import { delayAfter, type Pace } from './pace.ts'

export interface Patience {
  readonly pace: Pace
  /** Told of each failure. Milliseconds: no attempt before that. */
  readonly failed: (error: unknown) => number | undefined
}

/** Tries until it goes well. Throws only the reason of the signal. */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  { pace, failed }: Patience,
  signal: AbortSignal,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      const asked = failed(error) ?? 0
      const delay = Math.max(delayAfter(failures, pace), Math.min(asked, pace.mostMs))
      await sleep(delay, undefined, { signal })
    }
  }
}
