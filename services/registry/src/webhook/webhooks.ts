import { exhausted, notFound } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'
import { checkRuleName } from '../follow/rule-name.ts'
import { documentOfWebhook, webhookOfDocument } from '../store/webhook-documents.ts'
import { type Webhook, type WebhookDraft, webhookOf } from './webhook.ts'

const COLLECTION = 'webhooks'
/** Each is a connection and a reader of the log. */
const MOST = 100

/** Webhooks, kept in the documents of the backend: all processes of a pool know the same. */
export class Webhooks {
  readonly #documents: Documents

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** By name. */
  async list(): Promise<Webhook[]> {
    const found = await this.#documents.list(COLLECTION, { limit: MOST })
    return found.map(({ key, value }) => webhookOfDocument(key, value))
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  async find(name: string): Promise<Webhook> {
    const found = await this.#documents.get(COLLECTION, name)
    if (found === undefined) throw notFound('webhook', name)
    return webhookOfDocument(name, found.value)
  }

  /** `begun` is called before the webhook is seen by anybody. Throws INVALID, WEBHOOKS_TOO_MANY, DOCUMENT_CHANGED. */
  async set(draft: WebhookDraft, begun: (webhook: Webhook) => void): Promise<Webhook> {
    const name = checkRuleName(draft.name)
    const found = await this.#documents.get(COLLECTION, name)
    if (found === undefined && (await this.list()).length >= MOST)
      throw exhausted('WEBHOOKS_TOO_MANY', `there are ${MOST} webhooks, which is the limit: remove one`)
    const webhook = webhookOf(draft, found && webhookOfDocument(name, found.value), () => crypto.randomUUID())
    begun(webhook)
    const expected = found === undefined ? 'absent' : { version: found.version }
    await this.#documents.put(COLLECTION, name, documentOfWebhook(webhook), expected)
    return webhook
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  async delete(name: string): Promise<void> {
    if (!(await this.#documents.delete(COLLECTION, name, 'any'))) throw notFound('webhook', name)
  }
}
