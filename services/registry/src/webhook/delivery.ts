import { CaissonError, unavailable } from '@caisson/api'
import { ENVELOPE_TYPE } from './envelope.ts'
import type { Answer, Delivery, Sender } from './ports.ts'
import { signedHeaders } from './signature.ts'
import type { Webhook } from './webhook.ts'

/** What is delivered: the same bytes under the same id in each attempt. */
export interface Message {
  readonly id: string
  readonly body: Buffer
}

export const messageOf = (id: string, envelope: object): Message => ({
  id,
  body: Buffer.from(JSON.stringify(envelope)),
})

export function deliveryOf({ url, secret }: Webhook, message: Message, at: number): Delivery {
  return {
    url,
    headers: {
      'content-type': ENVELOPE_TYPE,
      'user-agent': 'caisson-registry',
      accept: '*/*',
      ...signedHeaders(message, secret, at),
    },
    body: message.body,
  }
}

export const isTaken = ({ status }: Answer): boolean => status >= 200 && status < 300

/** Why an answer is not one of somebody who took the delivery. */
export function refusalOf({ status, text }: Answer): string {
  const said = text === '' ? '' : `: ${text}`
  if (status >= 300 && status < 400) return `answers ${status}: redirects are not followed, name the place itself`
  return `answers ${status}${said}`
}

/** One attempt. Throws WEBHOOK_REFUSED, and what the sender throws; `details.retryAfterMs` is how long to wait, if it says so. */
export async function attempt(sender: Sender, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const answer = await sender.post(delivery, signal)
  if (isTaken(answer)) return
  const { retryAfterMs } = answer
  const details = retryAfterMs === undefined ? {} : { retryAfterMs: String(retryAfterMs) }
  throw unavailable('WEBHOOK_REFUSED', refusalOf(answer), { details })
}

/** For people. */
export const reasonOf = (error: unknown): string => CaissonError.from(error).message.slice(0, 500)
