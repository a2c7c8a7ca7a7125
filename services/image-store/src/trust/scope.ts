import { invalid } from '@caisson/api'
import { formatReference, type ImageReference, parseReference } from '@caisson/oci'

/** The scopes that a reference is in, the narrowest first: name and tag, name, namespaces, registry. */
export function scopesOf(reference: ImageReference): string[] {
  const { registry, repository } = reference
  const scopes = [formatReference(reference)]
  if (reference.digest && reference.tag !== undefined) scopes.push(formatReference(withoutDigest(reference)))
  const parts = repository.split('/')
  for (let length = parts.length; length > 0; length--) scopes.push([registry, ...parts.slice(0, length)].join('/'))
  scopes.push(registry)
  return [...new Set(scopes)]
}

/** Checks a scope of a policy: it has to be written as names are stored, or nothing would ever be in it. */
export function checkScope(scope: string): string {
  const names = /[@:]/.test(scope.slice(scope.indexOf('/') + 1)) && scope.includes('/')
  const probe = names ? scope : `${scope}/x/y`
  let written: string
  try {
    written = formatReference(parseReference(probe))
  } catch (cause) {
    throw invalid(`${JSON.stringify(scope)} is no registry, namespace, repository or name`, {
      reason: 'SCOPE_INVALID',
      cause,
    })
  }
  if (written === probe) return scope
  throw invalid(`${JSON.stringify(scope)} is not the full form of a name: write ${suggestion(scope)}`, {
    reason: 'SCOPE_INVALID',
  })
}

function suggestion(scope: string): string {
  try {
    return formatReference(parseReference(scope))
  } catch {
    return 'registry/repository'
  }
}

function withoutDigest({ registry, repository, tag }: ImageReference): ImageReference {
  return { registry, repository, ...(tag !== undefined && { tag }) }
}
