import { invalid } from '@caisson/api'

export const MAX_PASSWORD_BYTES = 1_024
const MIN_CHARACTERS = 12
const MIN_DISTINCT = 5

/** Words that defaults and guessed passwords are made of; what is left without them must be long enough by itself. */
const GUESSED =
  /password|passw0rd|admin(?:istrator)?|registry|caisson|docker|harbor|changeme|change-me|default|secret|letmein|welcome|qwerty|qwertz|azerty|asdfgh|zxcvbn|abc123|iloveyou|1234567890|0123456789|123456|654321|root|test|user/g
const MIN_BESIDE_GUESSED = 6

/**
 * Throws WEAK_PASSWORD unless a new password has at least 12 characters, 5 of them different, at most 1 KiB, no control
 * characters, and is more than the user's name and the words that everybody tries.
 */
export function checkNewPassword(user: string, password: string): void {
  const weakness = weaknessOf(user, password)
  if (weakness === undefined) return
  throw invalid(`the password of ${user} is refused: ${weakness}`, { reason: 'WEAK_PASSWORD' })
}

function weaknessOf(user: string, password: string): string | undefined {
  if (password === '') return 'it is empty'
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return `it has more than ${MAX_PASSWORD_BYTES} bytes`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(password)) return 'it has a control character, such as the end of a line'
  const characters = [...password]
  if (characters.length < MIN_CHARACTERS) return `it has fewer than ${MIN_CHARACTERS} characters`
  if (new Set(characters).size < MIN_DISTINCT) return `it has fewer than ${MIN_DISTINCT} different characters`
  const rest = password.toLowerCase().replaceAll(user.toLowerCase(), '').replaceAll(GUESSED, '')
  return [...rest].length < MIN_BESIDE_GUESSED ? 'it is made of words that everybody tries' : undefined
}
