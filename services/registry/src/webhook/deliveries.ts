import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@caisson/service-kit'
import { background } from '../follow/background.ts'
import { deliveryOf, isTaken, messageOf, reasonOf, refusalOf } from './delivery.ts'
import { pingEnvelope } from './envelope.ts'
import { FRESH_STATE, type WebhookState } from './state.ts'
import { bookmarkOf, Subscription, type SubscriptionDeps, WEBHOOK_BOOKMARKS } from './subscription.ts'
import type { Webhook, WebhookDraft } from './webhook.ts'
import type { Webhooks } from './webhooks.ts'

export interface DeliveriesDeps extends SubscriptionDeps {
  readonly webhooks: Webhooks
  readonly log: Logger
  /** Milliseconds after which changes that another process made are looked for. */
  readonly refreshMs: number
}

export interface TestResult {
  readonly taken: boolean
  /** 0: there was no answer. */
  readonly status: number
  readonly durationMs: number
  readonly answer: string
  readonly error: string
}

export type WebhookWithState = Webhook & { readonly state: WebhookState & { readonly lag: number } }

/** All webhooks, as far as this process tells them: each on its own, so that none waits for another. */
export class Deliveries {
  readonly #deps: DeliveriesDeps
  readonly #running = new Map<string, Subscription>()
  #isServing = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps
  }

  /** Delivers until it is disposed. */
  serve(): AsyncDisposable {
    this.#isServing = true
    const { refreshMs, log, pace } = this.#deps
    const repeat = async (signal: AbortSignal): Promise<void> => {
      for (;;) {
        await this.refresh()
        await sleep(refreshMs, undefined, { signal, ref: false })
      }
    }
    const failed = (error: unknown) => {
      log.warn({ error: String(error) }, 'the webhooks cannot be read: those that are known are served on')
      return undefined
    }
    const loop = background(repeat, { pace: { ...pace, mostMs: refreshMs }, failed })
    return {
      [Symbol.asyncDispose]: async () => {
        await loop[Symbol.asyncDispose]()
        this.#isServing = false
        await this.refresh([])
      },
    }
  }

  async set(draft: WebhookDraft): Promise<WebhookWithState> {
    const { webhooks, bookmarks, source } = this.#deps
    const begin = (made: Webhook): void => {
      const name = bookmarkOf(made)
      if (bookmarks.get(name) === undefined) bookmarks.set(name, { sequence: source.last, notes: FRESH_STATE })
    }
    return await this.#inTurn(async () => {
      const webhook = await webhooks.set(draft, begin)
      await this.#become(await webhooks.list())
      return this.#withState(webhook)
    })
  }

  async list(): Promise<WebhookWithState[]> {
    return (await this.#deps.webhooks.list()).map((webhook) => this.#withState(webhook))
  }

  async delete(name: string): Promise<void> {
    await this.#deps.webhooks.delete(name)
    await this.refresh()
  }

  /** Sends one delivery that tells of nothing, also to one that is disabled. */
  async test(name: string, signal: AbortSignal): Promise<TestResult> {
    const { webhooks, sender, teller, clock } = this.#deps
    const webhook = await webhooks.find(name)
    const begun = clock()
    const id = `ping-${crypto.randomUUID()}`
    const delivery = deliveryOf(webhook, messageOf(id, pingEnvelope(id, begun, teller)), begun)
    const result = { taken: false, status: 0, answer: '', error: '' }
    try {
      const answer = await sender.post(delivery, signal)
      const error = isTaken(answer) ? '' : refusalOf(answer)
      const told = { taken: isTaken(answer), status: answer.status, answer: answer.text, error }
      const durationMs = clock() - begun
      if (told.taken) await this.#tryAgain(webhook)
      return { ...told, durationMs }
    } catch (error) {
      signal.throwIfAborted()
      return { ...result, error: reasonOf(error), durationMs: clock() - begun }
    }
  }

  /** What waits for an endpoint that answers again is sent at once. */
  async #tryAgain({ uid }: Webhook): Promise<void> {
    await this.#inTurn(async () => {
      const subscription = this.#running.get(uid)
      if (subscription === undefined) return
      this.#running.delete(uid)
      await subscription[Symbol.asyncDispose]()
      this.#running.set(uid, new Subscription(subscription.webhook, this.#deps))
    })
  }

  /** Makes what runs here what the webhooks are now. */
  async refresh(webhooks?: readonly Webhook[]): Promise<void> {
    await this.#inTurn(async () => this.#become(webhooks ?? (await this.#deps.webhooks.list())))
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(work)
    this.#turn = next.catch(() => {})
    return await next
  }

  async #become(webhooks: readonly Webhook[]): Promise<void> {
    const wanted = new Map(webhooks.filter(({ disabled }) => !disabled).map((one) => [one.uid, one]))
    const ended = [...this.#running].filter(([uid, { webhook }]) => !isSame(wanted.get(uid), webhook))
    for (const [uid] of ended) this.#running.delete(uid)
    await Promise.all(ended.map(([, subscription]) => subscription[Symbol.asyncDispose]()))
    if (!this.#isServing) return
    this.#forgetAllBut(wanted.values())
    for (const [uid, webhook] of wanted)
      if (!this.#running.has(uid)) this.#running.set(uid, new Subscription(webhook, this.#deps))
  }

  #forgetAllBut(webhooks: Iterable<Webhook>): void {
    const { bookmarks } = this.#deps
    const known = new Set([...webhooks].map(bookmarkOf))
    for (const name of bookmarks.names(WEBHOOK_BOOKMARKS)) if (!known.has(name)) bookmarks.delete(name)
  }

  #withState(webhook: Webhook): WebhookWithState {
    return { ...webhook, state: this.#running.get(webhook.uid)?.state ?? { ...FRESH_STATE, lag: 0 } }
  }
}

const isSame = (one: Webhook | undefined, other: Webhook): boolean => JSON.stringify(one) === JSON.stringify(other)
