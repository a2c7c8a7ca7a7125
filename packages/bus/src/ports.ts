import type { Cursor, Event, Gap } from '@caisson/api/event'

/** A log that a relay reads: a service's own, in its own process. */
export interface EventSource {
  /** Changes when the log starts anew. */
  readonly name: string
  readonly host: string
  readonly service: string
  /** Reads behind a cursor, oldest first. */
  read(
    after: Cursor | undefined,
    limit: number,
  ): { readonly events: readonly Event[]; readonly gap?: Gap; readonly last: number }
  /** Resolves when there is more behind `sequence`. */
  grown(sequence: number, signal: AbortSignal): Promise<void>
}

/** The bus as those see it who listen. */
export interface EventBus {
  /**
   * Yields events, those of one log in their order, then new ones as they happen. `since` are the cursors of the last
   * events that were seen, by log; logs that are not named there start as `from` says. A gap means: read the state anew.
   */
  watch(options: WatchOptions): AsyncIterable<BusItem>
}

export interface WatchOptions {
  readonly since?: readonly Cursor[]
  /** Logs without a cursor: from their oldest event, or only new ones. */
  readonly from: 'oldest' | 'now'
  readonly signal: AbortSignal
}

export type BusItem = { readonly event: Event } | { readonly gap: Gap; readonly log: string }
