import type { Digest } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import { digestOf } from './keys.ts'
import type { ManifestObjects } from './manifest-objects.ts'

/** What a repository's manifests name, at one moment. */
export interface RepositoryView {
  readonly manifests: ReadonlyMap<Digest, ManifestView>
  /** Digests that tags point at. */
  readonly tagged: ReadonlySet<Digest>
}

export interface ManifestView {
  readonly key: string
  readonly etag: string
  readonly blobs: readonly Digest[]
  readonly manifests: readonly Digest[]
  readonly subject?: Digest
  readonly pushedAt: number
}

/** Manifests before tags: a tag is written behind its manifest, so one that is seen names a manifest that was, too. */
export async function viewOf(repository: RepositoryName, objects: ManifestObjects): Promise<RepositoryView> {
  const manifests = new Map<Digest, ManifestView>()
  for await (const { key, etag, value } of objects.all(repository)) {
    const { blobs, manifests: children, subject, pushedAt } = value
    manifests.set(digestOf(key), { key, etag, blobs, manifests: children, ...(subject && { subject }), pushedAt })
  }
  const tagged = new Set<Digest>()
  for await (const { value } of objects.allTags(repository)) tagged.add(value.target.digest)
  return { manifests, tagged }
}

/** Manifests pushed before `cutoff` that no tag, index or subject holds. */
export function unheldManifests({ manifests, tagged }: RepositoryView, cutoff: number): Digest[] {
  const children = new Set([...manifests.values()].flatMap((manifest) => manifest.manifests))
  return [...manifests].flatMap(([digest, { pushedAt, subject }]) => {
    const isHeld = tagged.has(digest) || children.has(digest) || (subject !== undefined && manifests.has(subject))
    return pushedAt < cutoff && !isHeld ? [digest] : []
  })
}

/** The view once these are removed. */
export function without(view: RepositoryView, gone: readonly Digest[]): RepositoryView {
  const manifests = new Map(view.manifests)
  for (const digest of gone) manifests.delete(digest)
  return { ...view, manifests }
}

/** Blobs that the manifests name. */
export function namedBlobs({ manifests }: RepositoryView): Set<Digest> {
  return new Set([...manifests.values()].flatMap((manifest) => manifest.blobs))
}
