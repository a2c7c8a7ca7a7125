import type { Digest } from '@caisson/oci'
import type { Transactions } from '../content/ports.ts'
import type { Events, ImageOrigin } from '../events.ts'
import type { FoundImage, ImageLookup } from './lookup.ts'
import type { ImageDraft, ImageSourceTable, ImageTable, NameTable, RegistrySource } from './ports.ts'

export interface RegistrarDeps {
  readonly images: ImageTable
  readonly names: NameTable
  readonly sources: ImageSourceTable
  readonly lookup: ImageLookup
  readonly transactions: Transactions
  readonly events: Events
}

/** An image whose blobs and layers are on the disk, and the names it is to have. */
export interface Registration {
  readonly draft: ImageDraft
  readonly target: Digest
  readonly names: readonly string[]
  /** Where it was pulled from. */
  readonly source?: RegistrySource
}

/** A name that was taken from one image and given to another. */
export interface MovedName {
  readonly name: string
  /** What it pointed at before. */
  readonly previous: Digest
  readonly current: Digest
}

/** Makes images and names visible: images, their names and the events of both in one transaction. */
export class Registrar {
  readonly #deps: RegistrarDeps

  constructor(deps: RegistrarDeps) {
    this.#deps = deps
  }

  /** `onMoved` is told of names that pointed elsewhere, once all is on the disk. */
  register(
    how: ImageOrigin,
    registrations: readonly Registration[],
    onMoved: (moved: MovedName) => void = () => {},
  ): FoundImage[] {
    const { transactions, images, sources, events, lookup } = this.#deps
    const moved: MovedName[] = []
    transactions.transaction(() => {
      for (const { draft, target, names, source } of registrations) {
        images.put(draft)
        if (source) sources.add(draft.record.id, source)
        events.imageAdded(how, draft.record, names[0] ?? (source ? `${source.repository}@${source.digest}` : ''))
        for (const name of names) {
          const previous = this.#point(name, target, draft.record)
          if (previous !== undefined) moved.push({ name, previous, current: target })
        }
      }
    })
    lookup.invalidate()
    moved.forEach(onMoved)
    return registrations.map(({ draft, target, names }) => lookup.describe(draft.record, target, names[0]))
  }

  /** Gives an image a further name, or moves one to it. */
  tag(image: FoundImage, name: string): FoundImage {
    this.#deps.transactions.transaction(() => this.#point(name, image.target, image.record))
    this.#deps.lookup.invalidate()
    return this.#deps.lookup.describe(image.record, image.target, name)
  }

  /** An image whose content is in a registry now. */
  pushed(image: FoundImage, source: RegistrySource, reference: string): void {
    const { transactions, sources, events, lookup } = this.#deps
    transactions.transaction(() => {
      sources.add(image.record.id, source)
      events.imagePushed(image.record, reference, source.digest)
    })
    lookup.invalidate()
  }

  /** Returns what the name pointed at before, when that was something else. */
  #point(name: string, target: Digest, record: ImageDraft['record']): Digest | undefined {
    const previous = this.#deps.names.get(name)
    if (previous === target) return undefined
    this.#deps.names.set(name, target)
    this.#deps.events.imageTagged(record, name, previous ?? '')
    return previous
  }
}
