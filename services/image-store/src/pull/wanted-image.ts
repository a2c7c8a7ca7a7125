import { type Digest, formatReference, type ImageReference, withDefaultTag } from '@caisson/oci'
import type { RepositoryName } from '../registry/ports.ts'

/** What a reference asks a registry for, and what the image is called then. */
export interface WantedImage extends RepositoryName {
  /** A tag or a digest. */
  readonly reference: string
  readonly digest: Digest | undefined
  /** With its registry: docker.io/library/debian. */
  readonly repositoryName: string
  /** With a digest none: it is no name, and a tag beside it may mean something else by now. */
  readonly names: readonly string[]
}

export function wantedImage(written: ImageReference): WantedImage {
  const reference = withDefaultTag(written)
  const { registry, repository, tag = '', digest } = reference
  return {
    registry,
    repository,
    reference: digest ?? tag,
    digest,
    repositoryName: `${registry}/${repository}`,
    names: digest ? [] : [formatReference(reference)],
  }
}
