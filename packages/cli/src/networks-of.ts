import { type Container, ContainerState } from '@caisson/api/container'
import { type Network, SandboxMode } from '@caisson/api/network'

const DEFAULT_NETWORK = 'bridge'

/**
 * The networks that a container is on while it runs, as people named them or by id; of one that shares the network of another
 * none.
 */
export function networksOf({ spec, sandbox, state }: Container): string[] {
  const { mode, attachments = [], unconnected } = spec?.network ?? {}
  // What is left of a container that cannot be read does not say.
  if (mode === undefined || state === ContainerState.BROKEN) return []
  if (mode === SandboxMode.HOST) return ['host']
  if (mode === SandboxMode.NONE) return ['none']
  if (mode === SandboxMode.SHARED || unconnected) return []
  const named =
    attachments.length > 0 ? attachments.map(({ network }) => network || DEFAULT_NETWORK) : [DEFAULT_NETWORK]
  const connected = (sandbox?.endpoints ?? []).map(({ networkId }) => networkId)
  return [...new Set([...named, ...connected])]
}

/** Ids of the networks that are meant by names, ids or prefixes of ids: a name comes before a prefix. */
export function idsOf(known: readonly Pick<Network, 'id' | 'name'>[], references: readonly string[]): Set<string> {
  const found = references.flatMap((reference) => {
    const named = known.filter(({ id, name }) => id === reference || name === reference)
    return named.length > 0 ? named : known.filter(({ id }) => reference !== '' && id.startsWith(reference))
  })
  return new Set(found.map(({ id }) => id))
}
