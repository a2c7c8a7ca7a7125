import type { Partially } from '@caisson/api'
import type { Container, ListContainersRequest } from '@caisson/api/container'
import type { Image, ListImagesRequest } from '@caisson/api/image'
import type { Containers, Images } from './engine.ts'

/** Every page of a list of containers. */
export async function listAll(containers: Containers, request: Partially<ListContainersRequest>): Promise<Container[]> {
  const all: Container[] = []
  for (let token = ''; ; ) {
    const page = await containers.list({ ...request, page: { token } })
    all.push(...page.containers)
    token = page.nextPageToken
    if (token === '') return all
  }
}

/** Every page of a list of images. */
export async function listAllImages(images: Images, request: Partially<ListImagesRequest>): Promise<Image[]> {
  const all: Image[] = []
  for (let token = ''; ; ) {
    const page = await images.list({ ...request, page: { token } })
    all.push(...page.images)
    token = page.nextPageToken
    if (token === '') return all
  }
}
