import { type Digest, type DigestAlgorithm, digestAlgorithm, digestOf } from '@caisson/oci'
import type { Backend, ManifestStat, StoredManifest } from '../backend/ports.ts'
import type { Policies } from '../policy/policies.ts'
import { matchesPattern } from '../policy/policy.ts'
import { deletesOff, digestMismatch, manifestUnknown } from './errors.ts'
import { readManifestDocument } from './manifest-document.ts'
import type { Reference, RepositoryName, TagName } from './names.ts'
import type { PullNotes } from './pull-notes.ts'
import type { Quota } from './quota.ts'

export interface ManifestsDeps {
  readonly backend: Pick<Backend, 'records'>
  readonly policies: Policies
  readonly quota: Quota
  readonly pulls: PullNotes
  /** Indexes may name children that are not here. */
  readonly sparseIndexes: boolean
}

export interface ManifestPush {
  readonly repository: RepositoryName
  readonly reference: Reference
  /** More tags that it gets. */
  readonly tags: readonly TagName[]
  readonly contentType: string | undefined
  readonly bytes: Uint8Array
  /** The upstream that it came from: what it names comes when it is asked for. */
  readonly upstream?: string
}

export interface PushedManifest {
  readonly digest: Digest
  readonly subject?: Digest
}

/** Manifests and tags of repositories. */
export class RepositoryManifests {
  readonly #deps: ManifestsDeps

  constructor(deps: ManifestsDeps) {
    this.#deps = deps
  }

  /** Throws MANIFEST_UNKNOWN. Counts as a pull. */
  async get(repository: RepositoryName, reference: Reference): Promise<StoredManifest> {
    const found = await this.#deps.backend.records.manifest(repository, reference)
    if (found === undefined) throw manifestUnknown(spelled(reference))
    this.#deps.pulls.note(repository, reference, found.digest)
    return found
  }

  /** Throws MANIFEST_UNKNOWN. Does not count as a pull. */
  async stat(repository: RepositoryName, reference: Reference): Promise<ManifestStat> {
    const found = await this.#deps.backend.records.manifestStat(repository, reference)
    if (found === undefined) throw manifestUnknown(spelled(reference))
    return found
  }

  /** Throws MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN, TAG_IMMUTABLE, QUOTA_EXCEEDED. */
  async put(push: ManifestPush): Promise<PushedManifest> {
    const { backend, policies, quota, sparseIndexes } = this.#deps
    const { repository, reference, bytes, upstream } = push
    const digest = digestOf(bytes, algorithmOf(reference))
    if ('digest' in reference && reference.digest !== digest) throw digestMismatch(reference.digest, digest)
    const document = readManifestDocument(bytes, push.contentType)
    const tags = 'tag' in reference ? [...new Set([reference.tag, ...push.tags])] : [...new Set(push.tags)]
    const { immutableTags } = await policies.of(repository)
    const frozen = tags.filter((tag) => immutableTags.some((pattern) => matchesPattern(pattern, tag)))
    const limit = await quota.limit(repository, bytes.byteLength)
    await backend.records.putManifest({
      ...document,
      ...{ repository, digest, bytes, tags, frozen, sparse: sparseIndexes },
      ...(limit && { limit }),
      ...(upstream !== undefined && { upstream }),
    })
    return { digest, ...(document.subject !== undefined && { subject: document.subject }) }
  }

  /** Removes a tag, or a manifest with its tags. */
  async delete(repository: RepositoryName, reference: Reference): Promise<void> {
    const { backend, policies } = this.#deps
    if (!(await policies.of(repository)).deletes) throw deletesOff(repository)
    const removed =
      'tag' in reference
        ? await backend.records.deleteTag(repository, reference.tag)
        : await backend.records.deleteManifest(repository, reference.digest)
    if (!removed) throw manifestUnknown(spelled(reference))
  }
}

const spelled = (reference: Reference): string => ('tag' in reference ? reference.tag : reference.digest)

const algorithmOf = (reference: Reference): DigestAlgorithm =>
  'tag' in reference ? 'sha256' : digestAlgorithm(reference.digest)
