import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from './position.ts'

/** What the `check` directive says: names of rules, or "all". */
export interface CheckOptions {
  readonly skip: 'all' | readonly string[]
  readonly experimental: 'all' | readonly string[]
  /** Warnings fail the build. */
  readonly error: boolean
}

/** Reads "skip=A,B;error=true". Names that no rule has are kept. Throws CHECK_OPTION_INVALID. */
export function parseCheckOptions(value: Word): CheckOptions {
  const options = { skip: [] as 'all' | string[], experimental: [] as 'all' | string[], error: false }
  for (const part of value.text.split(';')) {
    const [key = '', ...rest] = part.split('=')
    const text = rest.join('=').trim()
    if (rest.length === 0) throw refused(value, `${shown(part.trim())} is not of the form key=value`)
    switch (key.trim()) {
      case 'skip':
        options.skip = readNames(text)
        break
      case 'experimental':
        options.experimental = readNames(text)
        break
      case 'error':
        options.error = readBoolean(value, text)
        break
      default:
        throw refused(value, `${shown(key.trim())} is none of skip, error and experimental`)
    }
  }
  return options
}

function readNames(text: string): 'all' | string[] {
  if (text === 'all') return 'all'
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function readBoolean(value: Word, text: string): boolean {
  const lower = text.toLowerCase()
  if (['true', '1', 't'].includes(lower)) return true
  if (['false', '0', 'f'].includes(lower)) return false
  throw refused(value, `error is ${shown(text)}; write true or false`)
}

function refused(value: Word, why: string): DockerfileError {
  return new DockerfileError('CHECK_OPTION_INVALID', `the check directive cannot be read: ${why}`, value.range)
}
