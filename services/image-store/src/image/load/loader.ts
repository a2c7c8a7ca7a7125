import { invalid } from '@caisson/api'
import { cancellable } from '../../content/cancellable.ts'
import type { Room } from '../../disk/room.ts'
import type { Staging, StagingDir } from '../../disk/staging.ts'
import type { Collector } from '../../garbage/collector.ts'
import type { LayerTool } from '../../snapshot/ports.ts'
import { archiveSignatures } from '../../trust/archive-signatures.ts'
import type { StoredImages } from '../../trust/stored-image.ts'
import type { ImageSource, Intake } from '../intake.ts'
import { type FoundImage, parseImageName } from '../lookup.ts'
import type { MovedName, Registrar, Registration } from '../registrar.ts'
import { Archive, type ArchiveLimits } from './archive.ts'
import { malformed } from './archive-error.ts'
import { addListed, readDockerArchive } from './docker-archive.ts'
import { readLegacyArchive } from './legacy-archive.ts'
import { readOciLayout, type WantedPlatforms } from './oci-layout.ts'

export interface LoaderDeps {
  readonly staging: Staging
  readonly room: Room
  readonly collector: Collector
  readonly intake: Intake
  readonly registrar: Registrar
  readonly storedImages: StoredImages
  readonly tool: LayerTool
  readonly limits: ArchiveLimits & { readonly maxManifestBytes: number; readonly maxIndexDepth: number }
}

export interface LoadRequest {
  /** Name for an image that the archive gives none. Empty: none. */
  readonly reference: string
  /** Platforms to take from an index. Empty: the host's. */
  readonly platforms: WantedPlatforms
  /** Bytes of the archive. 0: not known. */
  readonly size: number
}

export interface LoadProgress {
  readonly subject: string
  readonly action: 'reading' | 'unpacking'
  readonly done: number
  readonly total: number
  readonly unit: 'bytes'
}

export interface LoadResult {
  readonly images: readonly FoundImage[]
  /** Names that pointed elsewhere before. */
  readonly moved: readonly MovedName[]
}

type Report = (progress: LoadProgress) => void

/** Loads archives of images: the whole stream first, beside the store; then its images; then all of them become visible. */
export class Loader {
  readonly #deps: LoaderDeps

  constructor(deps: LoaderDeps) {
    this.#deps = deps
  }

  async load(
    request: LoadRequest,
    chunks: AsyncIterable<Uint8Array>,
    report: Report,
    signal: AbortSignal,
  ): Promise<LoadResult> {
    return await this.#deps.room.during(request.size, signal, (inRoom) => this.#load(request, chunks, report, inRoom))
  }

  async #load(
    request: LoadRequest,
    chunks: AsyncIterable<Uint8Array>,
    report: Report,
    signal: AbortSignal,
  ): Promise<LoadResult> {
    const { collector, staging: stagings, intake, registrar } = this.#deps
    const fallback = request.reference === '' ? undefined : parseImageName(request.reference)
    return await collector.guard(async (hold) => {
      using staging = stagings.open()
      const archive = await this.#read(request, cancellable(chunks, signal), staging, report)
      const sources = withFallback(await this.#sources(archive, request, signal), fallback)
      const call = {
        hold,
        signal,
        report: (layer: { digest: string }, { bytes }: { bytes: number }): void =>
          report({ subject: layer.digest, action: 'unpacking', done: bytes, total: 0, unit: 'bytes' }),
      }
      const registrations: Registration[] = []
      for (const source of sources) registrations.push(await intake.take(source, call))
      await this.#learn(registrations, archive, signal)
      const moved: MovedName[] = []
      const images = registrar.register('loaded', registrations, (name) => moved.push(name))
      return { images, moved }
    })
  }

  /** Signatures that the archive has are kept with the images. */
  async #learn(registrations: readonly Registration[], archive: Archive, signal: AbortSignal): Promise<void> {
    const signatures = await archiveSignatures(archive)
    if (!signatures) return
    for (const { draft, target, names } of registrations) {
      await this.#deps.storedImages.learn(names, { target, targets: draft.targets }, signatures, signal)
    }
  }

  async #read(
    { size: total }: LoadRequest,
    chunks: AsyncIterable<Uint8Array>,
    staging: StagingDir,
    report: Report,
  ): Promise<Archive> {
    return await Archive.read(chunks, staging, this.#deps.limits, (done) =>
      report({ subject: 'archive', action: 'reading', done, total, unit: 'bytes' }),
    )
  }

  async #sources(archive: Archive, { platforms }: LoadRequest, signal: AbortSignal): Promise<ImageSource[]> {
    const { tool, limits } = this.#deps
    const docker = { ...limits, tool, signal }
    if (archive.has('oci-layout') && archive.has('index.json')) {
      const sources = await readOciLayout(archive, { ...limits, platforms })
      // A layout names its content by digests: what both list is read as the layout has it.
      return archive.has('manifest.json') ? await addListed(sources, archive, docker) : sources
    }
    if (archive.has('manifest.json') || !archive.has('repositories')) return await readDockerArchive(archive, docker)
    return await readLegacyArchive(archive, docker)
  }
}

function withFallback(sources: ImageSource[], fallback: string | undefined): ImageSource[] {
  if (sources.length === 0) throw malformed('it holds no image')
  const nameless = sources.filter(({ names }) => names.length === 0)
  if (fallback === undefined) return sources
  // The platforms of one index are one image.
  if (new Set(nameless.map(({ indexes, manifestDocument }) => (indexes[0] ?? manifestDocument).digest)).size > 1)
    throw invalid(`the archive has ${nameless.length} images without a name: ${fallback} can name only one`, {
      reason: 'REFERENCE_AMBIGUOUS',
    })
  return sources.map((source) => (source.names.length === 0 ? { ...source, names: [fallback] } : source))
}
