import { CaissonError } from '@caisson/api'
import type { ImageLookup } from '../image/lookup.ts'
import type { ImageLayer, ImageRecord } from '../image/ports.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { SnapshotRecord } from '../snapshot/ports.ts'
import type { Snapshots } from '../snapshot/snapshots.ts'
import type { CommittedLayerTable } from './ports.ts'

/** What a snapshot stands on, as an image names it. */
export interface LayerStack {
  readonly image: ImageRecord
  /** Layers that were committed on the image, the lowest first. */
  readonly committed: readonly ImageLayer[]
}

export interface LayerStacksDeps {
  readonly lookup: ImageLookup
  readonly layers: Layers
  readonly snapshots: Snapshots
  readonly committedLayers: CommittedLayerTable
}

/** Finds the blobs of the layers that snapshots stand on. */
export class LayerStacks {
  readonly #deps: LayerStacksDeps

  constructor(deps: LayerStacksDeps) {
    this.#deps = deps
  }

  /** Of a committed snapshot its own layer too. */
  of(snapshot: SnapshotRecord): LayerStack {
    const image = snapshot.image && this.#deps.lookup.byId(snapshot.image)
    if (!image) throw lost(snapshot.key, 'the image that it stands on')
    const committed: ImageLayer[] = []
    for (let at = snapshot.kind === 'committed' ? snapshot.key : snapshot.parent; at !== ''; ) {
      const below = this.#deps.snapshots.get(at)
      committed.unshift(this.#layerOf(below))
      at = below.parent
    }
    return { image: image.record, committed }
  }

  #layerOf({ key, base }: SnapshotRecord): ImageLayer {
    const blob = this.#deps.committedLayers.get(key)
    const layer = base && this.#deps.layers.get(base)
    if (!blob || !layer) throw lost(key, 'its layer')
    return { ...blob, diffId: layer.diffId, chainId: layer.chainId }
  }
}

function lost(key: string, what: string): CaissonError {
  return new CaissonError('data-loss', `snapshot ${key} has lost ${what}: make it anew`, {
    reason: 'LAYER_LOST',
    details: { snapshot: key },
  })
}
