import { randomBytes } from 'node:crypto'
import { invalid } from '@caisson/api'

/** No colon, which ends the name in basic authentication, and no plus, which begins what is a token's own. */
const USER = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/
const TOKEN = /^([A-Za-z0-9][A-Za-z0-9._@-]{0,127})\+[a-z2-7]{16}$/

export function isUserName(text: string): boolean {
  return USER.test(text)
}

/** Throws INVALID. */
export function checkUserName(text: string): string {
  if (isUserName(text)) return text
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  throw invalid(
    `${shown} is not the name of a user: expected up to 128 letters, digits, ".", "_", "-" and "@", a letter or digit first`,
    { details: { field: 'name' } },
  )
}

/** `alice+3kq…`: the id of a new token of hers, and the user name it logs in with. */
export function newTokenId(user: string): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  return `${user}+${Array.from(randomBytes(16), (byte) => letters[byte & 31]).join('')}`
}

/** Whose token has this id; undefined when it is none. */
export function ownerOfToken(id: string): string | undefined {
  return TOKEN.exec(id)?.[1]
}
