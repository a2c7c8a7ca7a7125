import { invalid } from '@caisson/api'
import { isLoopback } from '../config.ts'

const MOST_CHARACTERS = 2_048
/** As the client of registries takes them. */
const REGISTRY_HOST = /^[a-z0-9.:[\]-]{1,240}$/

export interface UrlRules {
  /** Plain HTTP may leave this machine. */
  readonly insecure: boolean
  /** Whether there may be more than scheme, host and port. */
  readonly mayHavePath: boolean
}

/**
 * A server that an administrator names: any address, private ones too, for he may reach them anyway. No user name in it,
 * which would be shown; plain HTTP to loopback addresses only, unless that is asked for. Throws INVALID.
 */
export function checkServerUrl(text: string, { insecure, mayHavePath }: UrlRules): URL {
  if (text.length > MOST_CHARACTERS || !URL.canParse(text))
    throw refused(text, 'is no URL: https://server.example/path')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(text, 'is neither https nor http')
  if (url.username !== '' || url.password !== '') throw refused(text, 'holds a user name: it has a place of its own')
  if (url.hash !== '') throw refused(text, 'has a fragment, which is never sent')
  if (!mayHavePath && !REGISTRY_HOST.test(url.host)) throw refused(text, 'has a host that no registry may have')
  if (!mayHavePath && (url.pathname !== '/' || url.search !== ''))
    throw refused(text, 'has a path: a registry is scheme, host and port')
  if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1')))
    throw refused(text, 'is plain HTTP, which everybody on the way reads: use https, or ask for insecure')
  return url
}

function refused(text: string, why: string): Error {
  // What stands before @ may be a password.
  const shown = text.slice(0, 120).replace(/\/\/[^/@]*@/, '//***@')
  return invalid(`${JSON.stringify(shown)} ${why}`, { details: { field: 'url' } })
}
