import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CaissonError } from '@caisson/api'
import { type Digest, digestOf, MEDIA_TYPE } from '@caisson/oci'
import type { RepositoryName, TagName } from '../../distribution/names.ts'
import type { Backend, GarbagePolicy, NewManifest } from '../ports.ts'

export const name = (text: string): RepositoryName => text as RepositoryName
export const tag = (text: string): TagName => text as TagName
export const app = name('team/app')
export const signal = new AbortController().signal
export const HOUR = 3_600_000

export async function push(backend: Backend, repository: RepositoryName, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes)
  const { id } = await backend.uploads.create(repository, 'sha256')
  await backend.uploads.append(repository, id, {}, Readable.from([bytes]), signal)
  await backend.uploads.finish(repository, id, digest)
  return digest
}

export function manifest(
  repository: RepositoryName,
  more: Partial<NewManifest> & { readonly text?: string },
): NewManifest {
  const { text = 'a manifest', ...rest } = more
  const bytes = Buffer.from(text)
  return {
    repository,
    bytes,
    digest: digestOf(bytes),
    mediaType: MEDIA_TYPE.ociManifest,
    blobs: [],
    manifests: [],
    sparse: false,
    annotations: {},
    tags: [],
    frozen: [],
    ...rest,
  }
}

export const rejects = (promise: Promise<unknown>, reason: string) =>
  assert.rejects(promise, (thrown) => thrown instanceof CaissonError && thrown.reason === reason)

export async function read(backend: Backend, digest: Digest, first?: number, last?: number): Promise<string> {
  const range = first === undefined ? undefined : { first, ...(last !== undefined && { last }) }
  await using reader = await backend.blobs.open(digest, range, signal)
  assert.ok(reader)
  return (await buffer(reader.stream())).toString()
}

/** Collects garbage and returns what went, sorted. */
export async function collect(backend: Backend, policy: Partial<GarbagePolicy> = {}): Promise<string[]> {
  const removed: string[] = []
  for await (const { digest } of backend.garbage.collect({ graceMs: HOUR, dryRun: false, ...policy }, signal))
    removed.push(digest)
  return removed.sort()
}
