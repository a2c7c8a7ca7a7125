import type { Digest } from '@caisson/oci'
import {
  blobName,
  dockerManifest,
  dockerRepositories,
  type ListedImage,
  layoutIndex,
  layoutVersion,
  type NamedEntry,
} from './documents.ts'
import type { Selection } from './selection.ts'

/** A file of an archive: bytes at hand, or a blob of the store. */
export interface PlannedFile {
  readonly name: string
  /** Seconds since 1970. */
  readonly mtime: number
  readonly content: Uint8Array | Digest
}

/** An image and the names that the archive gives it. */
export interface NamedSelection {
  readonly selection: Selection
  readonly names: readonly string[]
}

/** The files of an archive, by name. The same images give the same files, whatever their order. */
export function planArchive(images: readonly NamedSelection[]): PlannedFile[] {
  const merged = mergeNames(images)
  const listed = listImages(merged)
  const entries: NamedEntry[] = merged.map(({ selection, names }) => ({ entry: selection.entry, names }))
  const files = [
    ...blobFiles(merged),
    { name: 'index.json', mtime: 0, content: layoutIndex(entries) },
    { name: 'manifest.json', mtime: 0, content: dockerManifest(listed) },
    { name: 'oci-layout', mtime: 0, content: layoutVersion() },
  ]
  const repositories = dockerRepositories(listed)
  if (repositories) files.push({ name: 'repositories', mtime: 0, content: repositories })
  return files.sort(byName)
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)

/** One entry for all names of the same content, by their first names. */
function mergeNames(images: readonly NamedSelection[]): NamedSelection[] {
  const merged = new Map<Digest, NamedSelection>()
  for (const { selection, names } of images) {
    const before = merged.get(selection.entry.digest)?.names ?? []
    merged.set(selection.entry.digest, { selection, names: [...new Set([...before, ...names])].sort() })
  }
  const keyOf = ({ selection, names }: NamedSelection): string => names[0] ?? `~${selection.entry.digest}`
  return [...merged.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** Each image once. Names are given to the main platform only: readers of manifest.json know no others. */
function listImages(images: readonly NamedSelection[]): ListedImage[] {
  const listed = new Map<Digest, ListedImage>()
  for (const { selection, names } of images)
    for (const record of selection.records) {
      const own = record === selection.main ? names : []
      const before = listed.get(record.id)?.names ?? []
      listed.set(record.id, { record, names: [...new Set([...before, ...own])].sort() })
    }
  return [...listed.values()]
}

function blobFiles(images: readonly NamedSelection[]): PlannedFile[] {
  const files = new Map<string, PlannedFile>()
  for (const { selection } of images) {
    const mtime = Math.max(0, ...selection.records.map(({ createdMs }) => Math.floor(createdMs / 1_000)))
    const contents: (readonly [Digest, Uint8Array | Digest])[] = selection.blobs.map((digest) => [digest, digest])
    if (selection.made) contents.push([selection.made.digest, selection.made.bytes])
    for (const [digest, content] of contents) {
      const name = blobName(digest)
      const known = files.get(name)
      // What images share has the time of the oldest of them.
      files.set(name, { name, content, mtime: Math.min(mtime, known?.mtime ?? mtime) })
    }
  }
  return [...files.values()]
}
