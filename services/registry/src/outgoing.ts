import type { Logger } from '@caisson/service-kit'
import type { Backend } from './backend/ports.ts'
import { hours, type RegistryConfig } from './config.ts'
import type { Pace } from './follow/pace.ts'
import type { Bookmarks, EventSource } from './follow/ports.ts'
import { RegistryTargets } from './replication/client/registry-targets.ts'
import { Planner } from './replication/planner.ts'
import type { IsMirrored } from './replication/ports.ts'
import { Replicator } from './replication/replicator.ts'
import { Rules } from './replication/rules.ts'
import { TaskBoard } from './replication/task-board.ts'
import { Workers } from './replication/workers.ts'
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
  readonly isMirrored: IsMirrored
}

export type Outgoing = ReturnType<typeof buildOutgoing>

/** What the registry does for others when something changes in it. Nothing is begun yet. */
export function buildOutgoing(deps: OutgoingDeps) {
  const { firstRetrySeconds, mostRetrySeconds } = deps.config.outgoing
  const pace: Pace = { firstMs: 1_000 * firstRetrySeconds, mostMs: 1_000 * mostRetrySeconds }
  const sender = new HttpSender(1_000 * deps.config.outgoing.timeoutSeconds)
  const targets = new RegistryTargets()
  const deliveries = deliveriesOf(deps, pace, sender)
  const replicator = replicatorOf(deps, pace, targets)
  return {
    deliveries,
    replicator,

    /** Follows the log until it is disposed. */
    serve(): AsyncDisposable {
      const stack = new AsyncDisposableStack()
      stack.use(sender)
      stack.use(targets)
      stack.use(deliveries.serve())
      stack.use(replicator.serve())
      return stack
    },
  }
}

function deliveriesOf({ followed, backend, config, log, clock }: OutgoingDeps, pace: Pace, sender: HttpSender) {
  return new Deliveries({
    ...{ ...followed, sender, pace, clock, log },
    teller: tellerOf(config, followed.source),
    webhooks: new Webhooks(backend.documents),
    refreshMs: 1_000 * config.outgoing.refreshSeconds,
  })
}

function replicatorOf(deps: OutgoingDeps, pace: Pace, targets: RegistryTargets): Replicator {
  const { followed, backend, config, log, clock, isMirrored } = deps
  const { copiesAtOnce: atOnce, refreshSeconds, syncHours } = config.outgoing
  const rules = new Rules(backend.documents)
  const board = new TaskBoard(backend.documents, followed.source.name, clock)
  const common = { rules, board, isMirrored, clock, log }
  const refreshMs = 1_000 * refreshSeconds
  const workers = new Workers({ ...common, source: backend, targets, pace, atOnce, refreshMs })
  return new Replicator({ ...common, ...followed, planner: new Planner(common), workers, syncMs: hours(syncHours) })
}

function tellerOf({ publicUrl, host, port, tls }: RegistryConfig, source: EventSource): Teller {
  const isNamed = port !== 0 && host !== '0.0.0.0' && host !== '::'
  const own = isNamed
    ? `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
    : ''
  const origin = publicUrl === '' ? own : publicUrl.replace(/\/+$/, '')
  return { origin, address: `${source.host}:${port}`, instance: source.name }
}
