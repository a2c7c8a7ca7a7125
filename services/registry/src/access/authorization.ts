import { type Credentials, unauthorized } from './logins.ts'
import { MAX_PASSWORD_BYTES } from './password/strength.ts'

/** What an Authorization header says. */
export type Authorization =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic'; readonly credentials: Credentials }
  | { readonly scheme: 'bearer'; readonly token: string }

/** Name, colon and password, in base64 and with room to spare. */
const MAX_BASIC = 4 * (MAX_PASSWORD_BYTES + 512)

/** Throws UNAUTHORIZED for what is neither Basic nor Bearer, or is not whole, or too long to be a password. */
export function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === '') return { scheme: 'none' }
  const space = header.indexOf(' ')
  const scheme = header.slice(0, Math.max(space, 0)).toLowerCase()
  const value = header.slice(space + 1).trim()
  if (scheme === 'bearer' && value !== '') return { scheme, token: value }
  if (scheme === 'basic' && value.length <= MAX_BASIC) {
    const text = Buffer.from(value, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon >= 0) return { scheme, credentials: { username: text.slice(0, colon), password: text.slice(colon + 1) } }
  }
  throw unauthorized('the Authorization header is neither Basic with a name and a password nor Bearer with a token')
}
