import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { EventPage, EventSource } from './ports.ts'

export interface Following {
  readonly source: EventSource
  /** Events behind this sequence are read. */
  readonly from: number
  /** Most events of a page: so many are held in memory. */
  readonly pageSize: number
  /** Milliseconds that are waited for more when something happened. Default: none. */
  readonly lingerMs?: number
}

/**
 * Hands the log on, page by page, and waits for more at its end. The next page is read when `take` is done with the one
 * before it: who is slow lags behind in the log, and costs nobody anything. Throws what `take` throws, and the reason of
 * the signal.
 */
export async function follow(
  { source, from, pageSize, lingerMs = 0 }: Following,
  take: (page: EventPage) => Promise<void>,
  signal: AbortSignal,
): Promise<never> {
  for (let at = from; ; ) {
    signal.throwIfAborted()
    const page = source.read(at, pageSize)
    if (page.events.length > 0 || page.missed !== undefined) await take(page)
    at = page.last
    // Reading holds everybody up: others come between two pages.
    if (page.events.length > 0) await turn()
    else {
      await source.grown(at, signal)
      if (lingerMs > 0) await sleep(lingerMs, undefined, { signal })
    }
  }
}
