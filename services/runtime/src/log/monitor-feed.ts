import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { connectMonitor, MONITOR_GONE, type MonitorClient } from '../monitor/client.ts'
import { readExitRecord } from '../monitor/exit-record.ts'
import type { MonitorEvent } from '../monitor/message.ts'
import { FeedState, type LogFeed, type LogFeedState } from './feed.ts'
import type { LogPosition } from './position.ts'

/** How long a monitor that hung up is left alone before it is called again. */
const RETRY_MS = 2_000

export interface MonitorFeedOptions {
  /** Keep the segments that this reader has not released; the container's output waits when they are a whole log. */
  readonly pin: boolean
}

/** The folder with the segments of a state directory. */
export function logDirectory(stateDir: string): string {
  return join(stateDir, 'log')
}

/** Where the log of a state directory ends when nobody writes to it any more: as its exit record says, if there is one. */
export function recordedEnd(stateDir: string): LogFeedState {
  const record = readExitRecord(stateDir)
  const end = record && record !== 'damaged' && { segment: record.logSegment, offset: record.logBytes }
  return { version: 0, end: end || undefined, over: true }
}

/** The feed of a state directory's log: its monitor says when it grows, and the exit record that it is over. */
export async function openMonitorFeed(stateDir: string, options: MonitorFeedOptions): Promise<LogFeed> {
  const feed = new MonitorFeed(stateDir, options)
  await feed.open()
  return feed
}

class MonitorFeed implements LogFeed {
  readonly #stateDir: string
  readonly #options: MonitorFeedOptions
  readonly #state = new FeedState()
  readonly #closing = new AbortController()
  #client: MonitorClient | undefined
  #watchers: FSWatcher[] = []
  #watching = false
  #released = 0

  constructor(stateDir: string, options: MonitorFeedOptions) {
    this.#stateDir = stateDir
    this.#options = options
  }

  get state(): LogFeedState {
    return this.#state.now
  }

  changed(version: number, signal: AbortSignal): Promise<void> {
    return this.#state.changed(version, signal)
  }

  release(segment: number): void {
    if (segment <= this.#released) return
    this.#released = segment
    if (this.#options.pin) this.#client?.ack(segment)
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    this.#client?.close()
    this.#unwatch()
  }

  /** Connects; returns when the state is that of the monitor, or of the log that it left behind. */
  async open(): Promise<void> {
    if (this.#takeExitRecord()) return
    try {
      const client = await connectMonitor(this.#stateDir, this.#closing.signal)
      this.#unwatch()
      this.#client = client
      client.subscribe(this.#options.pin)
      if (this.#released > 0 && this.#options.pin) client.ack(this.#released)
      client.on((event) => this.#heard(event))
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#withoutMonitor(error)
    }
  }

  #heard(event: MonitorEvent): void {
    if (event.type === 'hello') this.#grown({ segment: event.logSegment, offset: event.logBytes })
    else if (event.type === 'log') this.#grown({ segment: event.segment, offset: event.bytes })
    else if (event.type === 'exited') this.#over({ segment: event.record.logSegment, offset: event.record.logBytes })
    else if (event.type === 'failed') this.#over(undefined)
    else if (event.type === 'closed') this.#hungUp()
  }

  #hungUp(): void {
    this.#client = undefined
    if (!this.#closing.signal.aborted && !this.#state.now.over) this.#reopen()
  }

  #grown(end: LogPosition): void {
    this.#state.update({ end })
  }

  #over(end: LogPosition | undefined): void {
    this.#state.update({ end, over: true })
    this.#client?.close()
    this.#unwatch()
  }

  /** Whether the exit record says that the log is over. */
  #takeExitRecord(): boolean {
    const record = readExitRecord(this.#stateDir)
    if (record === undefined) return false
    this.#over(record === 'damaged' ? undefined : { segment: record.logSegment, offset: record.logBytes })
    return true
  }

  /**
   * A monitor that ended wrote the exit record first, and one that was killed writes nothing more. One that takes no further
   * connection is watched through the files that it writes, and called again.
   */
  #withoutMonitor(error: unknown): void {
    if (this.#takeExitRecord()) return
    if (isNobodyThere(error)) {
      this.#over(undefined)
      return
    }
    this.#watch()
    this.#reopen()
  }

  #reopen(): void {
    const delay = this.#watching ? RETRY_MS : 0
    sleep(delay, undefined, { signal: this.#closing.signal })
      .then(() => this.open())
      .catch(() => {
        if (this.#closing.signal.aborted) return
        this.#watch()
        this.#reopen()
      })
  }

  /** Without the monitor's word the log is read as far as it can be, whenever its files change. */
  #watch(): void {
    this.#look()
    if (this.#watching) return
    this.#watching = true
    for (const directory of [this.#stateDir, logDirectory(this.#stateDir)])
      try {
        this.#watchers.push(watch(directory, () => this.#look()).on('error', () => this.#look()))
      } catch {
        // No watch to be had: the retries look as well.
      }
  }

  #look(): void {
    if (!this.#takeExitRecord()) this.#state.update({ end: undefined })
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
    this.#watching = false
  }
}

/** The socket is not there, or is what a dead monitor left. */
function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof CaissonError) || error.reason !== MONITOR_GONE) return false
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}
