import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type CaissonError, invalid } from '@caisson/api'
import { bareHost, reachOf } from '@caisson/registry-client'
import { isRepositoryName, type RepositoryName } from '../distribution/names.ts'
import type { Upstream } from './upstream.ts'

/** What an administrator says of an upstream. */
export interface UpstreamRequest extends Omit<Upstream, 'prefix' | 'credentials'> {
  /** Also with `/*` at its end. Empty: the name. */
  readonly prefix: string
  /** Empty: nobody in particular. */
  readonly username: string
  /** Empty: the one that is held. */
  readonly password: string
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/
const URL_SHAPE = /^https?:\/\/[^/?#@\\\s]+\/?$/
const DEFAULT_DOWNLOADS = 8
const MOST = {
  prefix: 128,
  tokenHosts: 16,
  ca: 65_536,
  seconds: 30 * 86_400,
  downloads: 256,
  user: 255,
  secret: 16_384,
}

/**
 * Checks all of it, before anything is kept. `held` is the upstream of that name that there is: its password stays where none is
 * given and neither address nor user change. Throws `invalid-argument` UPSTREAM_INVALID_SETTING that says what to do.
 */
export function checkedUpstream(request: UpstreamRequest, held: Upstream | undefined): Upstream {
  const { username: _, password: __, ...rest } = request
  const name = checkedName(request.name)
  const url = checkedUrl(request)
  const credentials = credentialsOf(request, url, held)
  if (request.revalidateSeconds > MOST.seconds) throw refused('revalidate_seconds', 'is at most 30 days')
  if (request.maxDownloads > MOST.downloads) throw refused('max_downloads', `is at most ${MOST.downloads}`)
  return {
    ...rest,
    ...{ name, url, prefix: prefixOf(request.prefix, name), ca: checkedCa(request.ca) },
    tokenHosts: checkedHosts(request.tokenHosts),
    maxDownloads: request.maxDownloads || DEFAULT_DOWNLOADS,
    ...(credentials && { credentials }),
  }
}

function checkedName(name: string): string {
  if (HOST.test(name)) return name
  throw refused('name', 'is what references have before the first slash: registry.example, registry.example:5000')
}

function checkedUrl({ url: text, insecure }: UpstreamRequest): string {
  if (text.length > 512 || !URL_SHAPE.test(text) || !URL.canParse(text))
    throw refused('url', 'is https:// or http://, a host, and a port where it needs one, without a path')
  const url = new URL(text)
  const host = bareHost(url.host)
  const reach = isIP(host) === 0 ? undefined : reachOf(host)
  if (reach === 'link-local') throw refused('url', 'is a link-local or reserved address, where no registry is')
  if (url.protocol === 'http:' && !insecure && host !== 'localhost' && reach !== 'loopback')
    throw refused('url', 'is http, by which everybody on the way reads and changes it: use https, or set insecure')
  return url.origin
}

function prefixOf(text: string, name: string): RepositoryName {
  const prefix = text === '' ? name : text.replace(/\/\*?$/, '')
  if (isRepositoryName(prefix) && prefix.length <= MOST.prefix) return prefix
  if (text === '') throw refused('prefix', `is needed: ${name} can be no part of the name of a repository`)
  throw refused('prefix', `is a name of repositories of at most ${MOST.prefix} characters: hub, mirrors/hub`)
}

function credentialsOf(
  { username, password }: UpstreamRequest,
  url: string,
  held: Upstream | undefined,
): Upstream['credentials'] | undefined {
  if (username === '' && password === '') return undefined
  if (username === '' || username.length > MOST.user || /[:\p{Cc}]/u.test(username))
    throw refused('username', `is 1 to ${MOST.user} characters without a colon`)
  if (password.length > MOST.secret) throw refused('password', `is at most ${MOST.secret} characters`)
  if (password !== '') return { username, password }
  if (held?.credentials?.username === username && held.url === url) return held.credentials
  throw refused('password', 'is needed: none is held for this user name at this address')
}

function checkedHosts(hosts: readonly string[]): readonly string[] {
  if (hosts.length <= MOST.tokenHosts && hosts.every((host) => HOST.test(host))) return [...hosts]
  throw refused('token_hosts', `are at most ${MOST.tokenHosts} hosts, with :PORT where they need one: auth.example`)
}

function checkedCa(pem: string): string {
  if (pem === '') return ''
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    if (pem.length > MOST.ca || certificates.length === 0) throw new Error('no certificate')
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch {
    throw refused('ca', `is one or more certificates in PEM, together at most ${MOST.ca} characters`)
  }
  // Whatever stands between them, a key perhaps, is not kept.
  return `${certificates.join('\n')}\n`
}

function refused(field: string, what: string): CaissonError {
  return invalid(`${field} of an upstream ${what}`, { reason: 'UPSTREAM_INVALID_SETTING', details: { field } })
}
