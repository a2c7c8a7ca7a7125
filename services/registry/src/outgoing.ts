import type { Logger } from '@caisson/service-kit'
import type { Backend } from './backend/ports.ts'
import type { RegistryConfig } from './config.ts'
import type { Pace } from './follow/pace.ts'
import type { Bookmarks, EventSource } from './follow/ports.ts'
import { HttpSender } from './webhook/client/http-sender.ts'
import { Deliveries } from './webhook/deliveries.ts'
import type { Teller } from './webhook/envelope.ts'
import { Webhooks } from './webhook/webhooks.ts'

/** The event log of this process, and how far others came in it. */
export interface Followed {
  readonly source: EventSource
  readonly bookmarks: Bookmarks
}

export interface OutgoingDeps {
  readonly followed: Followed
  readonly backend: Backend
  readonly config: RegistryConfig
  readonly log: Logger
  readonly clock: () => number
}

export type Outgoing = ReturnType<typeof buildOutgoing>

/** What the registry does for others when something changes in it. Nothing is begun yet. */
export function buildOutgoing({ followed, backend, config, log, clock }: OutgoingDeps) {
  const { timeoutSeconds, firstRetrySeconds, mostRetrySeconds, refreshSeconds } = config.outgoing
  const pace: Pace = { firstMs: 1_000 * firstRetrySeconds, mostMs: 1_000 * mostRetrySeconds }
  const sender = new HttpSender(1_000 * timeoutSeconds)
  const deliveries = new Deliveries({
    ...{ ...followed, sender, pace, clock, log },
    teller: tellerOf(config, followed.source),
    webhooks: new Webhooks(backend.documents),
    refreshMs: 1_000 * refreshSeconds,
  })
  return {
    deliveries,

    /** Follows the log until it is disposed. */
    serve(): AsyncDisposable {
      const stack = new AsyncDisposableStack()
      stack.use(sender)
      stack.use(deliveries.serve())
      return stack
    },
  }
}

function tellerOf({ publicUrl, host, port, tls }: RegistryConfig, source: EventSource): Teller {
  const isNamed = port !== 0 && host !== '0.0.0.0' && host !== '::'
  const own = isNamed
    ? `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
    : ''
  const origin = publicUrl === '' ? own : publicUrl.replace(/\/+$/, '')
  return { origin, address: `${source.host}:${port}`, instance: source.name }
}
