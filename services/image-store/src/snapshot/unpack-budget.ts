import { exhausted } from '@caisson/api'

/** What the layers of one image may hold together. */
export interface UnpackLimits {
  readonly maxUnpackedBytes: number
  readonly maxUnpackedEntries: number
}

/** What is left of these limits. */
export class UnpackBudget {
  readonly #limits: UnpackLimits
  #bytes = 0
  #entries = 0

  constructor(limits: UnpackLimits) {
    this.#limits = limits
  }

  /** What the next layer may hold: at least one, for a layer may hold nothing. */
  get left(): { readonly maxBytes: number; readonly maxEntries: number } {
    return {
      maxBytes: Math.max(1, this.#limits.maxUnpackedBytes - this.#bytes),
      maxEntries: Math.max(1, this.#limits.maxUnpackedEntries - this.#entries),
    }
  }

  /** Takes what a layer holds from it. Throws IMAGE_TOO_LARGE when that is not left. */
  count(layer: { readonly bytes: number; readonly entries: number } | undefined): void {
    if (!layer) return
    this.#bytes += layer.bytes
    this.#entries += layer.entries
    const { maxUnpackedBytes, maxUnpackedEntries } = this.#limits
    if (this.#bytes > maxUnpackedBytes)
      throw exhausted('IMAGE_TOO_LARGE', `the image unpacks to more than ${maxUnpackedBytes} bytes`)
    if (this.#entries > maxUnpackedEntries)
      throw exhausted('IMAGE_TOO_LARGE', `the image has more than ${maxUnpackedEntries} files`)
  }
}
