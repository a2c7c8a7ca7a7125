import type { ContainerSpec } from './spec.ts'

/** What is going to be run, as far as something can be made ahead for it. */
export interface SpareWish {
  /** '': one is made up. */
  readonly name: string
  readonly spec: ContainerSpec
  /** Nothing of its output is dropped before somebody follows it. */
  readonly holdsOutput: boolean
}

/** Containers of one kind can have each other's spares. Undefined: what they are given depends on more than that. */
export function kindOf({ name, spec }: SpareWish): string | undefined {
  const { network, namespaces } = spec
  const { dns, mode } = network
  const isPlain =
    spec.autoRemove &&
    spec.storageBytes === undefined &&
    namespaces.user === 'private' &&
    spec.hostname === '' &&
    spec.domainname === '' &&
    Object.keys(spec.labels).length === 0 &&
    network.attachments.length === 0 &&
    !network.ports &&
    !network.publishAll &&
    mode !== 'shared' &&
    [dns.servers, dns.search, dns.options, Object.keys(dns.extraHosts)].every((list) => list.length === 0)
  // On a network others find it by its name.
  if (!isPlain || (name !== '' && mode === 'bridge')) return undefined
  return JSON.stringify([spec.image, spec.platform, spec.readOnlyRoot, mode])
}

/** What is launched ahead is of use for this alone. Undefined: nothing is, for what is mounted may change meanwhile. */
export function fitOf({ spec, holdsOutput }: SpareWish): string | undefined {
  if (spec.mounts.length > 0 || spec.volumesFrom) return undefined
  return JSON.stringify([spec, holdsOutput])
}
