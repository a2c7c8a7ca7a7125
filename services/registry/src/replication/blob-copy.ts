import { failedPrecondition } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { Backend } from '../backend/ports.ts'
import type { RepositoryName } from '../distribution/names.ts'
import type { Target } from './ports.ts'
import { isCopied, type Rule } from './rule.ts'

export type BlobSource = Pick<Backend, 'blobs' | 'records'>

/** Repositories that a target is asked to take a blob over from, and how many are looked at to find them. */
const MOST_MOUNTS = 3
const MOST_SEEN = 20

/** Sees to it that a target has a blob: it may have it, take it over from another repository of its own, or be sent it. */
export async function copyBlob(
  { blobs, records }: BlobSource,
  { rule, repository, target }: { readonly rule: Rule; readonly repository: RepositoryName; readonly target: Target },
  digest: Digest,
  signal: AbortSignal,
): Promise<void> {
  if (await target.hasBlob(digest, signal)) return
  const holders = await records.repositoriesOf(digest, MOST_SEEN)
  const sources = holders.filter((name) => name !== repository && isCopied(rule, name)).slice(0, MOST_MOUNTS)
  for (const name of sources) if (await target.mountBlob(digest, `${rule.prefix}${name}`, signal)) return
  const found = await blobs.stat(digest)
  if (found === undefined) throw lost(repository, digest)
  await target.putBlob(
    found,
    (offset) => read(blobs, repository, found, offset, signal),
    () => {},
    signal,
  )
}

async function* read(
  blobs: Backend['blobs'],
  repository: RepositoryName,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (offset >= size) return
  await using reader = await blobs.open(digest, offset === 0 ? undefined : { first: offset }, signal)
  if (reader === undefined) throw lost(repository, digest)
  yield* reader.stream()
}

const lost = (repository: string, digest: string): Error =>
  failedPrecondition('REPLICATION_SOURCE_INCOMPLETE', `${repository} itself lacks ${digest}: push it again`)
