import { type Descriptor, MAX_MANIFEST_BYTES, parseDescriptor, parseJson } from '@caisson/oci'

export interface References {
  /** Config and layers, or manifests. */
  readonly references: readonly Descriptor[]
  readonly subject?: Descriptor
}

/** What a manifest that was taken in names. */
export function readReferences(bytes: Uint8Array): References {
  const document = parseJson(bytes, { subject: 'manifest', maxBytes: MAX_MANIFEST_BYTES }) as Record<string, unknown>
  const list = (name: string): unknown[] => (Array.isArray(document[name]) ? document[name] : [])
  const config = document['config'] === undefined ? [] : [document['config']]
  const references = [...config, ...list('layers'), ...list('manifests')].map((item) => parseDescriptor(item))
  const subject = document['subject']
  return { references, ...(subject !== undefined && subject !== null && { subject: parseDescriptor(subject) }) }
}
