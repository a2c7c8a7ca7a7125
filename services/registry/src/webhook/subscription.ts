import { CaissonError } from '@caisson/api'
import { background } from '../follow/background.ts'
import { follow } from '../follow/follow.ts'
import type { Pace } from '../follow/pace.ts'
import type { Bookmarks, EventPage, EventSource, RegistryEvent } from '../follow/ports.ts'
import { untilDone } from '../follow/until-done.ts'
import { webhookStateOf } from '../store/webhook-documents.ts'
import { attempt, deliveryOf, messageOf, reasonOf } from './delivery.ts'
import { envelopeOf, type Teller } from './envelope.ts'
import type { Sender } from './ports.ts'
import { FRESH_STATE, refused, taken, type WebhookState } from './state.ts'
import { isWanted, type Webhook } from './webhook.ts'

export interface SubscriptionDeps {
  readonly source: EventSource
  readonly bookmarks: Bookmarks
  readonly sender: Sender
  readonly teller: Teller
  readonly pace: Pace
  readonly clock: () => number
}

const PREFIX = 'webhook/'
/** Events that wait in memory, of one webhook. */
const PAGE = 32

export const bookmarkOf = ({ uid }: Pick<Webhook, 'uid'>): string => `${PREFIX}${uid}`
export const WEBHOOK_BOOKMARKS = PREFIX

/** Tells one webhook of what happens in this process, one event after the other, until it is disposed. */
export class Subscription implements AsyncDisposable {
  readonly webhook: Webhook
  readonly #deps: SubscriptionDeps
  readonly #loop: AsyncDisposable
  #state: WebhookState
  #sequence: number

  /** Goes on where it was left; a new one begins at the end of the log. */
  constructor(webhook: Webhook, deps: SubscriptionDeps) {
    this.webhook = webhook
    this.#deps = deps
    const found = deps.bookmarks.get(bookmarkOf(webhook))
    this.#sequence = found?.sequence ?? deps.source.last
    this.#state = found === undefined ? FRESH_STATE : webhookStateOf(found.notes)
    if (found === undefined) this.#remember()
    this.#loop = background((signal) => this.#run(signal), { pace: deps.pace, failed: (error) => this.#failed(error) })
  }

  get state(): WebhookState & { readonly lag: number } {
    return { ...this.#state, lag: this.#deps.source.behind(this.#sequence) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]()
  }

  #run(signal: AbortSignal): Promise<void> {
    const { source } = this.#deps
    return follow({ source, from: this.#sequence, pageSize: PAGE }, (page) => this.#take(page, signal), signal)
  }

  async #take({ events, last, missed = 0 }: EventPage, signal: AbortSignal): Promise<void> {
    if (missed > 0) this.#state = { ...this.#state, skipped: this.#state.skipped + missed }
    for (const event of events) {
      if (!isWanted(this.webhook, event)) continue
      await this.#deliver(event, signal)
      this.#sequence = event.sequence
      this.#remember()
    }
    this.#sequence = last
    this.#remember()
  }

  async #deliver(event: RegistryEvent, signal: AbortSignal): Promise<void> {
    const { sender, teller, pace, clock } = this.#deps
    const message = messageOf(event.id, envelopeOf(event, teller))
    const once = () => attempt(sender, deliveryOf(this.webhook, message, clock()), signal)
    await untilDone(once, { pace, failed: (error) => this.#failed(error) }, signal)
    this.#state = taken(this.#state, clock())
  }

  #failed(error: unknown): number | undefined {
    this.#state = refused(this.#state, this.#deps.clock(), reasonOf(error))
    this.#remember()
    const wait = error instanceof CaissonError ? error.details['retryAfterMs'] : undefined
    return wait === undefined ? undefined : Number(wait)
  }

  #remember(): void {
    this.#deps.bookmarks.set(bookmarkOf(this.webhook), { sequence: this.#sequence, notes: this.#state })
  }
}
