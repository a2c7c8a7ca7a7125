import { readFile } from 'node:fs/promises'
import { invalid } from '@caisson/api'
import type { Digest, Platform } from '@caisson/oci'
import type { BlobStore } from '../../content/blob-store.ts'
import type { StateDir } from '../../disk/state-dir.ts'
import type { Collector } from '../../garbage/collector.ts'
import type { Hold, Holds } from '../../lease/holds.ts'
import type { ImageLookup, Meaning } from '../lookup.ts'
import type { ImageTable } from '../ports.ts'
import { type NamedSelection, type PlannedFile, planArchive } from './archive-plan.ts'
import { selectImage } from './selection.ts'
import { archiveEnd, directoryHeader, fileHeader, filePadding } from './tar-writer.ts'

export interface SaverDeps {
  readonly dir: StateDir
  readonly blobs: BlobStore
  readonly images: Pick<ImageTable, 'blobs'>
  readonly lookup: ImageLookup
  readonly holds: Holds
  readonly collector: Pick<Collector, 'collectAmong'>
}

export interface SaveRequest {
  /** Names, digests and ids. */
  readonly images: readonly string[]
  /** Empty: those that are held. */
  readonly platforms: readonly Platform[]
}

const MAX_IMAGES = 1_000

/**
 * Writes images as one tar that is an OCI layout (image-spec, image layout) and a docker-archive at once: both name the same
 * blobs. Blobs go from their files as they are, checked on the way.
 */
export class Saver {
  readonly #deps: SaverDeps

  constructor(deps: SaverDeps) {
    this.#deps = deps
  }

  /** The bytes of the archive. Nothing in it is collected until it is read or given up. */
  async *save(request: SaveRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { holds, collector } = this.#deps
    const meanings = this.#meanings(request.images)
    const hold = holds.open()
    const held = hold.resources
    try {
      this.#keep(meanings, hold)
      const selections: NamedSelection[] = []
      for (const meaning of meanings) {
        signal.throwIfAborted()
        const selection = await selectImage(meaning, request.platforms, this.#source)
        selections.push({ selection, names: meaning.name === '' ? [] : [meaning.name] })
      }
      yield* this.#write(planArchive(selections), signal)
    } finally {
      const kept = new Set(held)
      hold[Symbol.dispose]()
      // What lost its image meanwhile stayed for this archive only.
      collector.collectAmong(kept)
    }
  }

  #meanings(queries: readonly string[]): Meaning[] {
    if (queries.length === 0 || queries.length > MAX_IMAGES)
      throw invalid(`say which images to save: 1 to ${MAX_IMAGES}`, { reason: 'INVALID_IMAGE' })
    return queries.map((query) => this.#deps.lookup.resolve(query))
  }

  #keep(meanings: readonly Meaning[], hold: Hold): void {
    for (const { records } of meanings)
      for (const { id } of records) for (const digest of this.#deps.images.blobs(id)) hold.add(digest)
  }

  readonly #source = {
    size: (digest: Digest): number | undefined => this.#deps.blobs.find(digest)?.size,
    document: (digest: Digest): Promise<Buffer> => readFile(this.#deps.dir.blob(digest)),
  }

  async *#write(files: readonly PlannedFile[], signal: AbortSignal): AsyncGenerator<Buffer> {
    let bytes = 0
    const directories = new Set<string>()
    for (const file of files) {
      const parts = file.name.split('/').slice(0, -1)
      for (const [at] of parts.entries()) {
        const directory = parts.slice(0, at + 1).join('/')
        if (directories.has(directory)) continue
        directories.add(directory)
        const header = directoryHeader(directory, 0)
        bytes += header.length
        yield header
      }
      for await (const part of this.#file(file, signal)) {
        bytes += part.length
        yield part
      }
    }
    yield archiveEnd(bytes)
  }

  async *#file({ name, mtime, content }: PlannedFile, signal: AbortSignal): AsyncGenerator<Buffer> {
    const size = typeof content === 'string' ? this.#deps.blobs.get(content).size : content.length
    yield fileHeader({ name, size, mtime })
    if (typeof content === 'string') yield* this.#deps.blobs.read(content, 0, 0, signal)
    else yield Buffer.from(content)
    const padding = filePadding(size)
    if (padding.length > 0) yield padding
  }
}
