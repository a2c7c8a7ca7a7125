import type { Partially, ServiceClient } from '@caisson/api'
import type { Image, ImagesDefinition, LoadRequest, PullRequest } from '@caisson/api/image'

type Images = ServiceClient<typeof ImagesDefinition>

/** Loads an archive, given in pieces of at most 1 MiB, and returns its images. */
export async function loadImages(images: Images, archive: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Image[]> {
  async function* requests(): AsyncGenerator<{ item: LoadRequest['item'] }> {
    yield {
      item: {
        $case: 'options',
        value: { reference: '', platform: undefined, morePlatforms: [], allPlatforms: false, size: 0 },
      },
    }
    for await (const value of archive) yield { item: { $case: 'chunk', value } }
  }
  const loaded: Image[] = []
  for await (const { item } of images.load(requests())) if (item?.$case === 'image') loaded.push(item.value)
  return loaded
}

/** Pulls and returns the images. */
export async function pullImages(
  images: Images,
  reference: string,
  options: Partially<PullRequest> = {},
): Promise<Image[]> {
  const pulled: Image[] = []
  for await (const { item } of images.pull({ reference, ...options }))
    if (item?.$case === 'image') pulled.push(item.value)
  return pulled
}
