import type { FoundImage } from './lookup.ts'

/** What goes away: names, and the images that have none then. */
export interface Removal {
  /** Each name once, with an image that it means. */
  readonly untagged: readonly { readonly name: string; readonly image: FoundImage }[]
  readonly going: readonly FoundImage[]
}

/** The removal of some names, of all the images that they mean. */
export function removalOf(images: readonly FoundImage[], names: readonly string[]): Removal {
  const meant = new Set(names)
  const untagged = new Map<string, FoundImage>()
  for (const image of images)
    for (const name of image.names) if (meant.has(name) && !untagged.has(name)) untagged.set(name, image)
  return {
    untagged: [...untagged].map(([name, image]) => ({ name, image })),
    going: images.filter((image) => image.names.every((name) => meant.has(name))),
  }
}

/** The removal of all images that are free, with their names. Images that share a name go together or not at all. */
export function removals(images: readonly FoundImage[], isFree: (image: FoundImage) => boolean): Removal {
  const going = new Set(images.filter(isFree))
  const kept = new Set(images.filter((image) => !going.has(image)).flatMap(({ names }) => names))
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    for (const image of going)
      if (image.names.some((name) => kept.has(name))) {
        going.delete(image)
        for (const name of image.names) kept.add(name)
      }
  }
  return removalOf(
    [...going],
    [...going].flatMap(({ names }) => names),
  )
}
