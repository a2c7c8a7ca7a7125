import { formatReference, type ImageReference, parseReference } from '@caisson/oci'
import type { IdentityRule } from './config.ts'

/** Whether the reference that a signer wrote is what a name needs. `signed` is hostile text. */
export function matchesIdentity(rule: IdentityRule, name: ImageReference, signed: string): boolean {
  if (rule.type === 'matchAny') return true
  const [wanted, found] = [remapped(rule, name), read(signed)]
  if (!wanted || !found) return false
  const isSameRepository = wanted.registry === found.registry && wanted.repository === found.repository
  if (!isSameRepository) return false
  switch (rule.type) {
    case 'matchRepository':
      return true
    case 'matchRepoDigestOrExact':
      return wanted.digest !== undefined || isSameName(wanted, found)
    case 'matchExact':
      return isSameName(wanted, found)
  }
}

/** Both say which image of the repository they mean, and say the same. */
function isSameName(wanted: ImageReference, found: ImageReference): boolean {
  if (wanted.tag === undefined && wanted.digest === undefined) return false
  return wanted.tag === found.tag && wanted.digest === found.digest
}

function remapped({ remap }: IdentityRule, name: ImageReference): ImageReference | undefined {
  if (!remap) return name
  const text = formatReference(name)
  const rest = text.slice(remap.prefix.length)
  if (!text.startsWith(remap.prefix) || (rest !== '' && !/^[/:@]/.test(rest))) return name
  return read(remap.signedPrefix + rest)
}

function read(text: string): ImageReference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}
