import { createHmac } from 'node:crypto'
import { invalid } from '@caisson/api'

const PREFIX = 'whsec_'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const TEXT = /^[\x21-\x7e]{16,256}$/
const KEY_BYTES = { least: 24, most: 64 }

/** As Standard Webhooks has secrets: whsec_ and 24 to 64 bytes in base64; or any text that is long enough. Throws INVALID. */
export function checkSecret(secret: string): string {
  if (!TEXT.test(secret)) throw invalid('a secret has 16 to 256 printable characters without blanks')
  if (!secret.startsWith(PREFIX)) return secret
  const text = secret.slice(PREFIX.length)
  const { length } = keyOf(secret)
  if (BASE64.test(text) && length >= KEY_BYTES.least && length <= KEY_BYTES.most) return secret
  throw invalid(`behind ${PREFIX} a secret has ${KEY_BYTES.least} to ${KEY_BYTES.most} bytes in base64`)
}

/**
 * Headers that say who sent a delivery and when (Standard Webhooks, "Webhook signatures"): HMAC-SHA256 of id, time and
 * body. `at` is the time of this attempt, milliseconds since 1970: receivers refuse old ones.
 */
export function signedHeaders(
  { id, body }: { readonly id: string; readonly body: Buffer },
  secret: string | undefined,
  at: number,
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000))
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  if (secret === undefined) return headers
  const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${signature}` }
}

const keyOf = (secret: string): Buffer =>
  secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret)
