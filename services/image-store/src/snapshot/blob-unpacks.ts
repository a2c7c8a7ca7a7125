import { CaissonError } from '@caisson/api'
import { Slots } from '../concurrency/slots.ts'
import { mismatch } from '../content/blob-store.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { GrowingFile, LayerTool, UnpackedLayer, UnpackRequest } from './ports.ts'
import type { UnpackBudget } from './unpack-budget.ts'

export interface BlobUnpackCall {
  readonly signal: AbortSignal
  /** The file of a blob, once all of it is there. */
  readonly source: (layer: ImageLayer, signal: AbortSignal) => string | Promise<string>
  /** The same file while its bytes still arrive. Undefined: they do not. */
  readonly growing?: (layer: ImageLayer, signal: AbortSignal) => Promise<GrowingFile | undefined>
  readonly report: (layer: ImageLayer, done: { bytes: number; entries: number }) => void
}

/** A layer in its stack. */
export interface Place {
  readonly layer: ImageLayer
  readonly isLowest: boolean
}

export interface StagedLayer {
  /** The directory that has its files. */
  readonly target: string
  readonly unpacked: UnpackedLayer
}

/** Unpacks blobs that must have a digest and a diff id, so many at once. */
export class BlobUnpacks {
  readonly #tool: LayerTool
  readonly #slots: Slots
  /** Apart from the others: who waits for a slow registry keeps nobody from unpacking what is here. */
  readonly #earlySlots: Slots

  constructor(tool: LayerTool, places: number) {
    this.#tool = tool
    this.#slots = new Slots(places)
    this.#earlySlots = new Slots(places)
  }

  /** Unpacks a layer while its blob arrives, or else once it is whole. `stage` makes an empty directory with a name. */
  async unpack(
    place: Place,
    budget: UnpackBudget,
    stage: (name: string) => string,
    call: BlobUnpackCall,
  ): Promise<StagedLayer> {
    const early = await this.#unpackEarly(place, budget, stage, call)
    if (early) return early
    const { layer } = place
    const path = await call.source(layer, call.signal)
    const target = stage('layer')
    const unpacked = await this.#slots
      .run(() => this.#unpackTo(target, { path }, place, budget, call), call.signal)
      .catch((error: unknown) => this.#explain(error, layer, path, call.signal))
    return { target, unpacked }
  }

  /** Undefined: the blob does not arrive now, there is no place, or it did not go well: then it has to be whole first. */
  async #unpackEarly(
    place: Place,
    budget: UnpackBudget,
    stage: (name: string) => string,
    call: BlobUnpackCall,
  ): Promise<StagedLayer | undefined> {
    const source = await call.growing?.(place.layer, call.signal)
    if (!source || !this.#earlySlots.hasFree) return undefined
    const target = stage('early')
    try {
      const work = (): Promise<UnpackedLayer> => this.#unpackTo(target, source, place, budget, call)
      return { target, unpacked: await this.#earlySlots.run(work, call.signal) }
    } catch (error) {
      call.signal.throwIfAborted()
      if (error instanceof CaissonError && error.code === 'resource-exhausted') throw error
      // What else is wrong, if it is not mended by then, is told when all of the blob is here.
      return undefined
    }
  }

  async #unpackTo(
    target: string,
    source: UnpackRequest['source'],
    { layer, isLowest }: Place,
    budget: UnpackBudget,
    call: BlobUnpackCall,
  ): Promise<UnpackedLayer> {
    const request = { source, target, ...budget.left, requireEnd: false, lowest: isLowest }
    const unpacked = await this.#tool.unpack(request, (done) => call.report(layer, done), call.signal)
    if (unpacked.digest !== layer.digest)
      throw mismatch(layer.digest, `the layer's blob has the digest ${unpacked.digest}`)
    if (unpacked.diffId !== layer.diffId)
      throw mismatch(layer.digest, `the layer unpacks to ${unpacked.diffId}, but its config says ${layer.diffId}`)
    budget.count(unpacked)
    return unpacked
  }

  /** A blob that is malformed because it is not the one that was meant is told as that. */
  async #explain(error: unknown, layer: ImageLayer, path: string, signal: AbortSignal): Promise<never> {
    const isContent = error instanceof CaissonError && ['invalid-argument', 'data-loss'].includes(error.code)
    if (!isContent) throw error
    const { digest } = await this.#tool.digest(path, signal)
    if (digest !== layer.digest) throw mismatch(layer.digest, `the layer's blob has the digest ${digest}`)
    throw error
  }
}
