import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, type ServiceClient } from '@caisson/api'
import type { Cursor, EventLogDefinition } from '@caisson/api/event'
import { merge } from './merge.ts'
import type { BusItem, EventBus, WatchOptions } from './ports.ts'

type EventLogClient = ServiceClient<typeof EventLogDefinition>

const RETRY_MS = 250

/** The bus of one host: the services' own logs, read directly. A service that is away is read on when it is back. */
export function directBus(logs: readonly EventLogClient[]): EventBus {
  return { watch: (options) => merge(logs.map((log) => watchLog(log, options))) }
}

async function* watchLog(log: EventLogClient, options: WatchOptions): AsyncGenerator<BusItem> {
  let cursor = await startOf(log, options)
  while (!options.signal.aborted) {
    try {
      for await (const { item } of log.watch({ after: cursor }, { signal: options.signal })) {
        if (item?.$case === 'gap') yield { gap: item.value, log: cursor.log }
        if (item?.$case === 'caughtUp') cursor = item.value
        if (item?.$case !== 'event') continue
        cursor = { log: item.value.log, sequence: item.value.sequence }
        yield { event: item.value }
      }
    } catch (thrown) {
      if (options.signal.aborted) return
      if (!isAway(thrown)) throw thrown
      await sleep(RETRY_MS, undefined, { signal: options.signal }).catch(() => {})
    }
  }
}

/** The log is asked which one it is, so that the caller's cursors can be matched to it. */
async function startOf(log: EventLogClient, options: WatchOptions): Promise<Cursor> {
  for (;;) {
    try {
      const { next } = await log.list(
        { after: { log: '', sequence: Number.MAX_SAFE_INTEGER }, limit: 1 },
        { signal: options.signal },
      )
      const here = next ?? { log: '', sequence: 0 }
      const known = options.since?.find((cursor) => cursor.log === here.log)
      return known ?? (options.from === 'oldest' ? { log: here.log, sequence: 0 } : here)
    } catch (thrown) {
      if (options.signal.aborted || !isAway(thrown)) throw thrown
      await sleep(RETRY_MS, undefined, { signal: options.signal })
    }
  }
}

function isAway(thrown: unknown): boolean {
  return thrown instanceof CaissonError && (thrown.code === 'unavailable' || thrown.reason === 'STOPPING')
}
