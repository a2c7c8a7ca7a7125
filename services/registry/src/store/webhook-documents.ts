import { z } from 'zod'
import { parsePattern } from '../access/pattern.ts'
import { EVENT_TYPES } from '../webhook/event-type.ts'
import type { WebhookState } from '../webhook/state.ts'
import type { Webhook } from '../webhook/webhook.ts'

const webhookDocument = z.object({
  uid: z.string(),
  url: z.string(),
  secret: z.string().optional(),
  events: z.array(z.enum(EVENT_TYPES)),
  repositories: z.array(z.string()),
  disabled: z.boolean(),
  insecure: z.boolean(),
})

/** A webhook, by its name. */
export function webhookOfDocument(name: string, value: unknown): Webhook {
  const { secret, repositories, ...rest } = webhookDocument.parse(value)
  return { name, secret, repositories: repositories.map(parsePattern), ...rest }
}

export const documentOfWebhook = ({ name: _, repositories, ...rest }: Webhook): unknown => ({
  ...rest,
  repositories: repositories.map(({ text }) => text),
})

const stateNotes = z.object({
  delivered: z.number(),
  failed: z.number(),
  skipped: z.number(),
  deliveredAt: z.number().optional(),
  failedAt: z.number().optional(),
  error: z.string().optional(),
})

/** What a bookmark of a webhook holds beside its place. */
export const webhookStateOf = (notes: unknown): WebhookState => stateNotes.parse(notes)
