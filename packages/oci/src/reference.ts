import { isIPv6 } from 'node:net'
import { type Digest, parseDigest } from './digest.ts'
import { OciFormatError, shown } from './format-error.ts'

/**
 * An image reference in normal form, as Docker and containerd write it: the registry is always there, and so is
 * `library/` for the images that Docker Hub keeps there.
 */
export interface ImageReference {
  /** Host and optional port: "docker.io", "localhost:5000", "[::1]:5000". */
  readonly registry: string
  /** Path inside the registry: "library/debian". */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

export const DEFAULT_REGISTRY = 'docker.io'
export const DEFAULT_TAG = 'latest'
const LEGACY_REGISTRY = 'index.docker.io'
const OFFICIAL_PREFIX = 'library/'
const MAX_TEXT = 1024
const MAX_REPOSITORY = 255
const MAX_REGISTRY = 255
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const IDENTIFIER = /^[0-9a-f]{64}$/

/**
 * Reads a reference as a person writes it ("debian", "ghcr.io/a/b:1", "debian@sha256:...") and completes registry and
 * `library/`. No tag is added: see withDefaultTag. Linear in the length of the text; throws REFERENCE_INVALID or
 * DIGEST_INVALID.
 */
export function parseReference(text: string): ImageReference {
  if (text.length === 0) throw refused(text, 'it is empty')
  if (text.length > MAX_TEXT) throw refused(text, `it has more than ${MAX_TEXT} characters`)
  if (IDENTIFIER.test(text)) throw refused(text, 'a name may not be 64 hexadecimal digits: that is an image id')
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1))
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const tag = hasTag ? parseTag(named.slice(colon + 1)) : undefined
  const { registry, repository } = splitName(hasTag ? named.slice(0, colon) : named)
  checkRegistry(registry, text)
  checkRepository(repository, text)
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/** Letters, digits, `_`, `.` and `-`, at most 128, not beginning with `.` or `-`. */
export function parseTag(text: string): string {
  if (TAG.test(text)) return text
  const rule = 'expected up to 128 letters, digits, "_", "." and "-", beginning with a letter, a digit or "_"'
  throw new OciFormatError('TAG_INVALID', shown(text), `${shown(text)} is not a tag; ${rule}`)
}

/** The same reference, with the tag "latest" when it has neither tag nor digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference
  return { ...reference, tag: DEFAULT_TAG }
}

/** The whole normal form: "docker.io/library/debian:12". What names are stored and compared by. */
export function formatReference(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`
}

/** The short form that people read: "debian:12". parseReference gives the same reference back. */
export function familiarReference(reference: ImageReference): string {
  const { registry, repository } = reference
  if (registry !== DEFAULT_REGISTRY) return formatReference(reference)
  const short = repository.startsWith(OFFICIAL_PREFIX) ? repository.slice(OFFICIAL_PREFIX.length) : repository
  // "library/a/b" cannot lose its prefix, nor can a name whose first part would read as a registry.
  const isSame = splitName(short).repository === repository && splitName(short).registry === registry
  return `${isSame && !IDENTIFIER.test(short) ? short : formatName(reference)}${suffix(reference)}`
}

const formatName = (reference: ImageReference): string => `${reference.registry}/${reference.repository}`

function suffix(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  return reference.digest === undefined ? tag : `${tag}@${reference.digest}`
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const written = isRegistry ? first : DEFAULT_REGISTRY
  const registry = written === LEGACY_REGISTRY ? DEFAULT_REGISTRY : written
  const path = isRegistry ? name.slice(slash + 1) : name
  const isOfficial = registry === DEFAULT_REGISTRY && !path.includes('/')
  return { registry, repository: isOfficial ? OFFICIAL_PREFIX + path : path }
}

function checkRegistry(registry: string, text: string): void {
  if (registry.length > MAX_REGISTRY) throw refused(text, `its registry has more than ${MAX_REGISTRY} characters`)
  const bracket = registry.startsWith('[') ? registry.indexOf(']') + 1 : 0
  const colon = registry.indexOf(':', bracket)
  const host = colon < 0 ? registry : registry.slice(0, colon)
  if (colon >= 0 && !isPort(registry.slice(colon + 1))) throw refused(text, 'its registry has no port from 1 to 65535')
  const isLiteral = bracket > 0 && host.length === bracket && isIPv6(host.slice(1, -1)) && !host.includes('%')
  const isName = host.split('.').every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label))
  if (!isLiteral && !isName) throw refused(text, `${shown(host)} is not the name of a registry host`)
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535
}

function checkRepository(repository: string, text: string): void {
  if (repository.length > MAX_REPOSITORY) throw refused(text, `its name has more than ${MAX_REPOSITORY} characters`)
  if (repository !== repository.toLowerCase()) throw refused(text, 'a repository name is written in lower case')
  for (const part of repository.split('/')) {
    if (!isPathComponent(part)) throw refused(text, componentRule(part))
  }
}

function componentRule(part: string): string {
  if (part === '') return 'it has an empty part'
  return `${shown(part)} is not a part of a name: letters and digits, separated by ".", "_", "__" or dashes`
}

/** Runs of lower-case letters and digits, separated by one ".", one or two "_", or any number of "-". */
function isPathComponent(part: string): boolean {
  if (!/^[a-z0-9]/.test(part) || !/[a-z0-9]$/.test(part)) return false
  const separators = part.split(/[a-z0-9]+/).slice(1, -1)
  return separators.every((separator) => /^(?:\.|__?|-+)$/.test(separator))
}

function refused(text: string, why: string): OciFormatError {
  return new OciFormatError('REFERENCE_INVALID', shown(text), `${shown(text)} is not an image reference: ${why}`)
}
