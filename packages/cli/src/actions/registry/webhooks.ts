import { TestWebhookResponse, Webhook } from '@caisson/api/registry'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { secretInput } from '../../login/secret-input.ts'
import { ageOf } from '../../output/age.ts'
import { printable } from '../../output/printable.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Lists webhooks and how their deliveries stand. */
export const webhookList: Action = async ({ engine, out, signal }) => {
  const { webhooks } = await (await registryService(engine)).webhooks.list({}, { signal })
  out.list(
    webhooks,
    [
      { head: 'WEBHOOK', cell: ({ name, disabled }) => (disabled ? `${name} (disabled)` : name) },
      { head: 'URL', cell: ({ url }) => printable(url) },
      { head: 'REPOSITORIES', cell: ({ repositories }) => repositories.join(' ') || '*' },
      { head: 'DELIVERED', cell: ({ state }) => String(state?.delivered ?? 0) },
      { head: 'BEHIND', cell: ({ state }) => String(state?.lag ?? 0) },
      { head: 'SKIPPED', cell: ({ state }) => String(state?.skipped ?? 0) },
      { head: 'LAST', cell: ({ state }) => (state?.deliveredAt ? `${ageOf(state.deliveredAt)} ago` : '-') },
      { head: 'FAILED', cell: failureOf },
    ],
    Webhook.toJSON,
  )
  return EXIT_OK
}

/** Sets a webhook as a whole. */
export const webhookSet: Action = async ({ engine, out, signal }, [name = '', url = ''], options) => {
  const webhook = await (await registryService(engine)).webhooks.set(
    {
      ...{ name, url },
      secret: await secretInput(options, 'secret'),
      unsigned: options.flag('unsigned'),
      events: [...options.list('event')],
      repositories: [...options.list('repository')],
      disabled: options.flag('disable'),
      insecure: options.flag('insecure'),
    },
    { signal },
  )
  if (out.json) out.document(Webhook.toJSON(webhook))
  else out.line(webhook.name)
  return EXIT_OK
}

/** Removes webhooks. */
export const webhookRemove: Action = async (context, names) => {
  const { webhooks } = await registryService(context.engine)
  return eachName(context, names, async (name) => {
    await webhooks.delete({ name }, { signal: context.signal })
    return undefined
  })
}

/** Sends one delivery that tells of nothing. */
export const webhookTest: Action = async ({ engine, out, signal }, [name = '']) => {
  const result = await (await registryService(engine)).webhooks.test({ name }, { signal })
  const { taken, status, durationMs, answer, error } = result
  if (out.json) out.document(TestWebhookResponse.toJSON(result))
  else if (taken) out.line(`taken: ${status} after ${durationMs} ms${answer === '' ? '' : `: ${printable(answer)}`}`)
  else out.line(`not taken after ${durationMs} ms: ${printable(error)}`)
  return taken ? EXIT_OK : 1
}

function failureOf({ state }: Webhook): string {
  return state?.failedAt ? `${ageOf(state.failedAt)} ago: ${printable(state.error)}` : '-'
}
