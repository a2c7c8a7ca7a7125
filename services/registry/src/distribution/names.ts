import { CaissonError } from '@caisson/api'
import { type Digest, isDigest } from '@caisson/oci'

/** Name of a repository, in the grammar of the distribution specification, at most 255 characters. */
export type RepositoryName = string & { readonly __repository: never }
/** Name of a tag: a letter, digit or `_`, then up to 127 letters, digits, `.`, `_` and `-`. */
export type TagName = string & { readonly __tag: never }

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
export const MAX_NAME = 255

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= MAX_NAME && NAME.test(text)
}

/** Throws NAME_INVALID, before anything is done with the text. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text
  const message = `${shown(text)} is no name of a repository: use lower-case letters, digits, and . _ - / between them`
  throw new CaissonError('invalid-argument', message, { reason: 'NAME_INVALID', details: { name: shown(text) } })
}

export function isTagName(text: string): text is TagName {
  return TAG.test(text)
}

/** Throws TAG_INVALID. */
export function parseTagName(text: string): TagName {
  if (isTagName(text)) return text
  const message = `${shown(text)} is no tag: use at most 128 letters, digits, and . _ - behind the first`
  throw new CaissonError('invalid-argument', message, { reason: 'TAG_INVALID', details: { tag: shown(text) } })
}

/** What a manifest is asked for by. */
export type Reference = { readonly tag: TagName } | { readonly digest: Digest }

/** A tag or a digest. Throws TAG_INVALID, or DIGEST_INVALID for what has a colon. */
export function parseManifestReference(text: string): Reference {
  return text.includes(':') ? { digest: parseDigestAtEdge(text) } : { tag: parseTagName(text) }
}

/** Throws DIGEST_INVALID. */
export function parseDigestAtEdge(text: string): Digest {
  if (isDigest(text)) return text
  const message = `${shown(text)} is no digest: sha256: and 64, or sha512: and 128 lower-case hexadecimal digits`
  throw new CaissonError('invalid-argument', message, { reason: 'DIGEST_INVALID', details: { digest: shown(text) } })
}

/** The first part of the name: what usage is counted by. */
export function namespaceOf(name: RepositoryName): string {
  const slash = name.indexOf('/')
  return slash === -1 ? name : name.slice(0, slash)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
