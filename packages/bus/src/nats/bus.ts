import { Event } from '@caisson/api/event'
import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { BusConfig } from '../config.ts'
import type { BusItem, EventBus, WatchOptions } from '../ports.ts'
import { ensureStream } from './connection.ts'

/** The bus across hosts: what the relays of every host have published. */
export function natsBus(connection: NatsConnection, config: BusConfig): EventBus {
  return { watch: (options) => watch(connection, config, options) }
}

async function* watch(connection: NatsConnection, config: BusConfig, options: WatchOptions): AsyncGenerator<BusItem> {
  const replay = options.from === 'oldest' || (options.since?.length ?? 0) > 0
  await ensureStream(connection, config)
  const consumer = await jetstream(connection).consumers.get(config.stream, {
    deliver_policy: replay ? DeliverPolicy.All : DeliverPolicy.New,
  })
  const messages = await consumer.consume()
  const stop = (): void => messages.stop()
  options.signal.addEventListener('abort', stop, { once: true })
  const seen = new Map(options.since?.map((cursor) => [cursor.log, cursor.sequence]))
  try {
    for await (const message of messages) {
      const event = Event.decode(message.data)
      const before = seen.get(event.log)
      if (before !== undefined && event.sequence <= before) continue
      if (before !== undefined && event.sequence > before + 1)
        yield { gap: { first: before + 1, last: event.sequence - 1, reason: 'compacted' }, log: event.log }
      seen.set(event.log, event.sequence)
      yield { event }
    }
  } finally {
    options.signal.removeEventListener('abort', stop)
    messages.stop()
  }
}
