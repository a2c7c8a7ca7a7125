import type { Digest } from '@caisson/oci'
import { Slots } from '../concurrency/slots.ts'
import type { BlobStore } from '../content/blob-store.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { Repository } from '../registry/ports.ts'
import type { GrowingFile } from '../snapshot/ports.ts'
import { Arrival } from './arrival.ts'
import type { Downloads } from './downloads.ts'
import type { Partials } from './partials.ts'

export interface LayerDownloadsDeps {
  readonly dir: StateDir
  readonly blobs: BlobStore
  readonly staging: Staging
  readonly partials: Partials
  readonly downloads: Downloads
  readonly limits: { readonly maxTransfersPerCall: number }
}

type Report = (layer: ImageLayer, bytes: number) => void

/**
 * The layers of one image on their way: all that are missing are downloaded, some at once, the lowest first, while who
 * needs one waits for it. The first that fails ends the others.
 */
export class LayerDownloads implements AsyncDisposable {
  readonly #deps: LayerDownloadsDeps
  readonly #repository: Repository
  readonly #report: Report
  readonly #layers: ReadonlyMap<Digest, ImageLayer>
  readonly #running = new Map<Digest, Promise<void>>()
  readonly #arrivals = new Map<Digest, Arrival>()
  readonly #failed = new Set<Digest>()
  readonly #stop = new AbortController()
  /** Aborted when the caller gives up, when a download has failed, and when this is disposed. */
  readonly signal: AbortSignal

  constructor(
    deps: LayerDownloadsDeps,
    repository: Repository,
    layers: readonly ImageLayer[],
    report: Report,
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#repository = repository
    this.#report = report
    this.#layers = new Map(layers.map((layer) => [layer.digest, layer]))
    this.signal = AbortSignal.any([signal, this.#stop.signal])
  }

  /** Digests of the layers. */
  get digests(): Iterable<Digest> {
    return this.#layers.keys()
  }

  /** Starts to download what the store has not. */
  start(): void {
    const slots = new Slots(this.#deps.limits.maxTransfersPerCall)
    for (const layer of this.#layers.values()) {
      if (this.#deps.blobs.find(layer.digest)) continue
      const arrival = new Arrival()
      this.#arrivals.set(layer.digest, arrival)
      const running = slots.run(() => this.#fetch(layer, this.signal, arrival), this.signal)
      running.then(
        () => arrival.finish('whole'),
        () => arrival.finish('broken'),
      )
      running.catch((error: unknown) => {
        if (this.signal.aborted) return
        this.#failed.add(layer.digest)
        this.#stop.abort(error)
      })
      this.#running.set(layer.digest, running)
    }
  }

  /**
   * A file with the whole blob, which is the caller's own until `signal` is aborted. Work that others wait for too is not
   * ended by the end of this pull: it then goes on by itself.
   */
  async file(digest: Digest, signal: AbortSignal): Promise<string> {
    const { blobs, dir } = this.#deps
    let running = this.#running.get(digest)
    for (;;) {
      if (blobs.find(digest)) return dir.blob(digest)
      await this.#arrival(digest, running, signal)
      // Between its arrival and here it may have become a blob of the store: then the next round finds that.
      running = undefined
      signal.throwIfAborted()
      const path = this.#link(digest, signal)
      if (path !== undefined) return path
    }
  }

  /**
   * The file of a blob that this pull downloads now, from its first bytes on; it is the caller's own until `signal` is
   * aborted. Undefined: it is not on its way.
   */
  async growing(digest: Digest, signal: AbortSignal): Promise<GrowingFile | undefined> {
    const arrival = this.#arrivals.get(digest)
    if (!arrival || !(await arrival.begun(signal))) return undefined
    const path = this.#link(digest, signal)
    return path === undefined ? undefined : { path, whole: arrival.whole.bind(arrival) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#running.values())
  }

  /** A name of its own for the file of a download, until `signal` is aborted. Undefined: there is no such file. */
  #link(digest: Digest, signal: AbortSignal): string | undefined {
    const staging = this.#deps.staging.open()
    const path = staging.at('blob')
    if (this.#deps.partials.link(digest, path)) {
      signal.addEventListener('abort', () => staging[Symbol.dispose](), { once: true })
      return path
    }
    staging[Symbol.dispose]()
    return undefined
  }

  async #arrival(digest: Digest, running: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
    const layer = this.#layers.get(digest)
    if (!layer) throw new Error(`${digest} is no layer of this image`)
    if (running)
      try {
        return await running
      } catch (error) {
        // This pull has ended; who waits for the same layer has not.
        if (this.#failed.has(digest) || signal.aborted) throw error
      }
    await this.#fetch(layer, signal)
  }

  async #fetch(layer: ImageLayer, signal: AbortSignal, arrival?: Arrival): Promise<void> {
    const report = (bytes: number): void => {
      this.#report(layer, bytes)
      arrival?.reached(bytes)
    }
    await this.#deps.downloads.fetch(this.#repository, layer, report, signal)
  }
}
