import type { Digest } from '@caisson/oci'
import type { ImageLayer } from '../image/ports.ts'

export interface TransferProgress {
  /** A digest. */
  readonly subject: string
  readonly action: string
  readonly done: number
  readonly total: number
  readonly unit: 'bytes'
}

export type ReportTransfer = (progress: TransferProgress) => void

/** Tells how far each layer of a pull is: downloading and downloaded, unpacking, done; or exists, when it was there. */
export class LayerProgress {
  readonly #report: ReportTransfer
  readonly #isReady: (layer: ImageLayer) => boolean
  readonly #open: Map<Digest, ImageLayer>
  /** Blobs that are here. */
  readonly #arrived = new Set<Digest>()

  /** `isReady` tells whether a layer is unpacked. */
  constructor(layers: readonly ImageLayer[], isReady: (layer: ImageLayer) => boolean, report: ReportTransfer) {
    this.#report = report
    this.#isReady = isReady
    this.#open = new Map(layers.map((layer) => [layer.digest, layer]))
  }

  begin(isHeld: (layer: ImageLayer) => boolean): void {
    for (const layer of [...this.#open.values()])
      if (!isHeld(layer)) this.#tell(layer, 'waiting', 0)
      else if (this.#isReady(layer)) this.#end(layer, 'exists')
      else this.downloaded(layer, layer.size)
  }

  downloaded(layer: ImageLayer, bytes: number): void {
    if (bytes >= layer.size) this.#arrived.add(layer.digest)
    this.#tell(layer, bytes < layer.size ? 'downloading' : 'downloaded', bytes)
  }

  /** `bytes` of the files of a layer are written. While it still arrives, that is what is told of it. */
  unpacked(layer: ImageLayer, bytes: number): void {
    for (const other of [...this.#open.values()]) if (other !== layer && this.#isReady(other)) this.#end(other, 'done')
    if (this.#open.has(layer.digest) && this.#arrived.has(layer.digest))
      this.#report({ subject: layer.digest, action: 'unpacking', done: bytes, total: 0, unit: 'bytes' })
  }

  /** Everything is there. */
  finish(): void {
    for (const layer of [...this.#open.values()]) this.#end(layer, 'done')
  }

  #end(layer: ImageLayer, action: 'done' | 'exists'): void {
    this.#open.delete(layer.digest)
    this.#report({ subject: layer.digest, action, done: layer.size, total: layer.size, unit: 'bytes' })
  }

  #tell(layer: ImageLayer, action: string, done: number): void {
    if (this.#open.has(layer.digest))
      this.#report({ subject: layer.digest, action, done, total: layer.size, unit: 'bytes' })
  }
}
