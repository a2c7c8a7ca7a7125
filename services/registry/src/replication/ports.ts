import type { Digest } from '@caisson/oci'
import type { Rule } from './rule.ts'

/** A repository of the registry that is copied to. What fails is a CaissonError, as the client of registries makes it. */
export interface Target {
  /** What a tag or digest names there. Undefined: nothing. */
  resolve(reference: string, signal: AbortSignal): Promise<{ readonly digest: Digest } | undefined>
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>
  /** Takes a blob over from another repository there. False: it did not. */
  mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean>
  /** `open` gives the bytes from an offset on, and may be called again. */
  putBlob(
    blob: { readonly digest: Digest; readonly size: number },
    open: (offset: number) => AsyncIterable<Uint8Array>,
    report: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** By tag or digest. One with a subject is found among its referrers afterwards. */
  putManifest(
    reference: string,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<{ readonly digest: Digest }>
  /** False: it was not there. Throws `unimplemented` where tags cannot be removed alone. */
  deleteManifest(reference: string, signal: AbortSignal): Promise<boolean>
}

/** Ways to the registries that are copied to. */
export interface Targets {
  /** The repository that stands for `repository` there. */
  open(rule: Rule, repository: string): Target
}

/** Whether a repository holds what was fetched from another registry: it is not copied on. */
export type IsMirrored = (repository: string) => Promise<boolean>
