import { type Partially, type ServiceClient, Upload } from '@caisson/api'
import type { Image, ImagesDefinition, PullRequest } from '@caisson/api/image'

type Images = ServiceClient<typeof ImagesDefinition>

/** Loads an archive and returns its images. */
export async function loadImages(images: Images, archive: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Image[]> {
  const upload = new Upload({}, archive)
  const loaded: Image[] = []
  for await (const { item } of images.load(upload.messages()))
    if (item?.$case === 'socket') upload.goesTo(item.value)
    else if (item?.$case === 'image') loaded.push(item.value)
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
