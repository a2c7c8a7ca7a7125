import { type Digest, digestAlgorithm, digestHex, isDigest } from '@caisson/oci'
import type { RepositoryName, TagName } from '../../distribution/names.ts'
import type { Scope } from '../ports.ts'

/**
 * Names of objects, below the prefix of the configuration; README.md says what is in each. `!` ends the name of a repository:
 * it sorts before everything that may stand in one, so that keys are in the order of the names.
 */
export const keys = {
  blob: (digest: Digest): string => `blobs/${digestPath(digest)}`,
  data: (id: string): string => `data/${id}`,
  name: (repository: RepositoryName): string => `names/${repository}!`,
  link: (repository: RepositoryName, digest: Digest): string => `links/${repository}!/${digestPath(digest)}`,
  hint: (digest: Digest, repository: RepositoryName): string => `${keys.hintsOf(digest)}${repository}!`,
  hintsOf: (digest: Digest): string => `mounts/${digestPath(digest)}/`,
  manifest: (repository: RepositoryName, digest: Digest): string => `manifests/${repository}!/${digestPath(digest)}`,
  tag: (repository: RepositoryName, tag: TagName): string => `tags/${repository}!/${tag}`,
  referrer: (repository: RepositoryName, subject: Digest, digest: Digest): string =>
    `${keys.referrersOf(repository, subject)}${digestPath(digest)}`,
  referrersOf: (repository: RepositoryName, subject: Digest): string =>
    `referrers/${repository}!/${digestPath(subject)}/`,
  pulls: (repository: RepositoryName): string => `pulls/${repository}!`,
  upload: (id: string): string => `uploads/${id}`,
  tail: (id: string, nonce: string): string => `tails/${id}/${nonce}`,
}

/** Everything of a kind that repositories have below their names. */
export type RepositoryKind = 'links' | 'manifests' | 'tags' | 'referrers'

export const ofRepository = (kind: RepositoryKind, repository: RepositoryName): string => `${kind}/${repository}!/`

/** Prefix of what the repositories of a scope have. */
export function ofScope(kind: RepositoryKind, scope: Scope): string {
  if (scope === '*') return `${kind}/`
  return scope.endsWith('/*') ? `${kind}/${scope.slice(0, -1)}` : `${kind}/${scope}!/`
}

export function isInScope(repository: RepositoryName, scope: Scope): boolean {
  if (scope === '*') return true
  return scope.endsWith('/*') ? repository.startsWith(scope.slice(0, -1)) : repository === scope
}

/** The repository in a key of a kind, or of names and mounts. */
export function repositoryOf(key: string): RepositoryName {
  const end = key.indexOf('!')
  return key.slice(key.indexOf('/') + 1, end) as RepositoryName
}

/** The digest that a key ends with. */
export function digestOf(key: string): Digest {
  const [algorithm, hex] = key.split('/').slice(-2)
  const digest = `${algorithm}:${hex}`
  if (!isDigest(digest)) throw new Error(`a key without a digest: ${key}`)
  return digest
}

function digestPath(digest: Digest): string {
  return `${digestAlgorithm(digest)}/${digestHex(digest)}`
}
