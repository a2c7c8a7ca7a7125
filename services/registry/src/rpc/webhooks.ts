import type { Handlers, Partially } from '@caisson/api'
import type { Webhook as WebhookMessage, WebhooksDefinition } from '@caisson/api/registry'
import type { Deliveries, WebhookWithState } from '../webhook/deliveries.ts'
import type { WebhookDraft } from '../webhook/webhook.ts'
import { toTime } from './convert.ts'

/** caisson.registry.v1.Webhooks */
export function webhooksHandlers(deliveries: Deliveries): Handlers<typeof WebhooksDefinition> {
  return {
    set: async (webhook) => toWebhook(await deliveries.set(fromWebhook(webhook))),
    list: async () => ({ webhooks: (await deliveries.list()).map(toWebhook) }),
    delete: async ({ name }) => {
      await deliveries.delete(name)
      return {}
    },
    test: async ({ name }, { signal }) => {
      const { taken, status, durationMs, answer, error } = await deliveries.test(name, signal)
      return { taken, status, durationMs: Math.round(durationMs), answer, error }
    },
  }
}

const fromWebhook = ({ secret, ...rest }: WebhookMessage): WebhookDraft => ({
  ...rest,
  secret: secret === '' ? undefined : secret,
})

/** Without the secret. */
function toWebhook({ secret, repositories, state, uid: _, ...rest }: WebhookWithState): Partially<WebhookMessage> {
  const { delivered, failed, skipped, lag, deliveredAt, failedAt, error = '' } = state
  return {
    ...rest,
    events: [...rest.events],
    repositories: repositories.map(({ text }) => text),
    signed: secret !== undefined,
    state: {
      ...{ delivered, failed, skipped, lag, error },
      deliveredAt: toTime(deliveredAt),
      failedAt: toTime(failedAt),
    },
  }
}
