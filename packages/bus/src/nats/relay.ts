import { setTimeout as sleep } from 'node:timers/promises'
import { Event } from '@caisson/api/event'
import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { BusConfig } from '../config.ts'
import type { EventSource } from '../ports.ts'
import { eventSubject, sourceSubject } from '../subjects.ts'
import { connectNats, ensureStream } from './connection.ts'

/** Told what the relay meets; it never ends by itself. */
export interface RelayObserver {
  failed(error: unknown): void
}

const BATCH = 64
const RETRY_MS = 500

/**
 * Publishes a service's event log to JetStream, in order, each event at least once and, by its id, stored once. How far it
 * came is read from the stream itself, so a relay keeps no state: with NATS away events wait in the log and are sent
 * when it is back. Disposing ends it.
 */
export function startRelay(config: BusConfig, source: EventSource, observer: RelayObserver): AsyncDisposable {
  const stop = new AbortController()
  const ended = relay(config, source, observer, stop.signal)
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ended
    },
  }
}

/** For a main: starts a relay when a bus is configured, and logs what it meets. */
export function relayEvents(config: BusConfig | undefined, source: EventSource, log: RelayLog): AsyncDisposable {
  if (!config) return { [Symbol.asyncDispose]: async () => {} }
  return startRelay(config, source, {
    failed: (error) => log.warn({ error: String(error) }, 'the bus cannot be reached: events wait in the log'),
  })
}

/** What a relay logs to. */
export interface RelayLog {
  warn(details: object, message: string): void
}

async function relay(
  config: BusConfig,
  source: EventSource,
  observer: RelayObserver,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let connection: NatsConnection | undefined
    try {
      connection = await connectNats(config)
      await publishAll(connection, config, source, signal)
    } catch (error) {
      if (signal.aborted) break
      observer.failed(error)
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {})
    } finally {
      await connection?.close()
    }
  }
}

async function publishAll(
  connection: NatsConnection,
  config: BusConfig,
  source: EventSource,
  signal: AbortSignal,
): Promise<void> {
  const manager = await ensureStream(connection, config)
  const client = jetstream(connection)
  let last = await publishedUpTo(manager, config, source)
  while (!signal.aborted) {
    const page = source.read({ log: source.name, sequence: last }, BATCH)
    await publish(client, page.events)
    last = page.last
    if (page.events.length === 0) await source.grown(last, signal)
  }
}

/**
 * Waits for each answer before the next is sent: what is stored is then always a prefix of the log, and the last stored
 * event tells where to go on.
 */
async function publish(client: JetStreamClient, events: readonly Event[]): Promise<void> {
  for (const event of events)
    await client.publish(eventSubject(event), Event.encode(event).finish(), { msgID: event.id, timeout: 5_000 })
}

async function publishedUpTo(manager: JetStreamManager, config: BusConfig, source: EventSource): Promise<number> {
  const subject = `${sourceSubject(source.host, source.service)}.>`
  const stored = await manager.streams.getMessage(config.stream, { last_by_subj: subject })
  if (!stored) return 0
  const event = Event.decode(stored.data)
  return event.log === source.name ? event.sequence : 0
}
