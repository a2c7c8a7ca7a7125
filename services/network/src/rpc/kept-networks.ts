import { invalid } from '@caisson/api'
import type { Network } from '../network/network.ts'

const MOST = 100_000
const PREFIX = /^[0-9a-f]{1,63}$/

/**
 * Tells whether a network is one of those that people named by name, id or prefix of the id: a prefix that fits several
 * keeps them all, and what names none keeps none. Throws `invalid-argument` for too many.
 */
export function keptNetworks(all: readonly Network[], references: readonly string[]): (network: Network) => boolean {
  if (references.length > MOST)
    throw invalid(`there are ${references.length} networks to keep: ${MOST} at most`, { details: { field: 'keep' } })
  const wanted = new Set(references)
  const names = new Set(all.map(({ name }) => name))
  const prefixes = [...wanted].filter((reference) => !names.has(reference) && PREFIX.test(reference))
  return ({ id, name }) => wanted.has(name) || wanted.has(id) || prefixes.some((prefix) => id.startsWith(prefix))
}
