import type { RegistryEvent } from '../follow/ports.ts'

/** What receivers know the notifications of registries by. */
export const ENVELOPE_TYPE = 'application/vnd.docker.distribution.events.v1+json'

/** Who tells. */
export interface Teller {
  /** What clients call the registry: https://registry.example. Empty: not known. */
  readonly origin: string
  /** Host and port. */
  readonly address: string
  /** Of this process's event log. */
  readonly instance: string
}

const ACTIONS: Readonly<Record<string, string>> = {
  'manifest.pushed': 'push',
  'blob.pushed': 'push',
  'manifest.pulled': 'pull',
  'manifest.deleted': 'delete',
  'tag.deleted': 'delete',
  'repository.deleted': 'delete',
}

/** An event in the envelope of the distribution project's notifications: one entry, or one for each tag of a push. */
export function envelopeOf(event: RegistryEvent, teller: Teller): object {
  const { id, attributes } = event
  const tags = (attributes['tags'] ?? attributes['tag'] ?? '').split(',').filter(Boolean)
  if (tags.length < 2) return { events: [entryOf(event, id, tags[0], teller)] }
  return { events: tags.map((tag, index) => entryOf(event, `${id}:${index}`, tag, teller)) }
}

/** Tells of nothing. */
export function pingEnvelope(id: string, at: number, { address, instance }: Teller): object {
  const source = { addr: address, instanceID: instance }
  return {
    events: [{ id, timestamp: new Date(at).toISOString(), action: 'ping', target: {}, request: {}, actor: {}, source }],
  }
}

function entryOf(event: RegistryEvent, id: string, tag: string | undefined, teller: Teller): object {
  const { type, at, attributes } = event
  const { actor, address, user_agent: useragent, count } = attributes
  return {
    id,
    timestamp: new Date(at).toISOString(),
    action: ACTIONS[type] ?? type,
    target: targetOf(event, tag, teller.origin),
    request: { ...(address && { addr: address }), ...(useragent && { useragent }) },
    actor: { ...(actor && { name: actor }) },
    source: { addr: teller.address, instanceID: teller.instance },
    // Ours: which event it is in our own terms, and how many pulls stand behind one of manifest.pulled.
    type,
    ...(count !== undefined && { count: Number(count) }),
  }
}

function targetOf({ type, repository, attributes }: RegistryEvent, tag: string | undefined, origin: string): object {
  const { digest, size } = attributes
  const isBlob = type === 'blob.pushed'
  const mediaType = isBlob ? 'application/octet-stream' : attributes['mediaType']
  const length = size === undefined ? {} : { size: Number(size), length: Number(size) }
  const url = digest && origin && `${origin}/v2/${repository}/${isBlob ? 'blobs' : 'manifests'}/${digest}`
  return {
    ...(mediaType && { mediaType }),
    ...(digest && { digest }),
    ...length,
    repository,
    ...(url && { url }),
    ...(tag !== undefined && { tag }),
  }
}
