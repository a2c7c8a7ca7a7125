import type { Partially } from '@caisson/api'
import type { Container, ListContainersRequest } from '@caisson/api/container'
import type { Image, ListImagesRequest } from '@caisson/api/image'
import type { ListNetworksRequest, Network, Sandbox } from '@caisson/api/network'
import type { ListVolumesRequest, Volume } from '@caisson/api/volume'
import type { Containers, Images, Networks, Sandboxes, Volumes } from './engine.ts'

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

/** Every page of a list of networks. */
export async function listAllNetworks(networks: Networks, request: Partially<ListNetworksRequest>): Promise<Network[]> {
  const all: Network[] = []
  for (let token = ''; ; ) {
    const page = await networks.list({ ...request, page: { token } })
    all.push(...page.networks)
    token = page.nextPageToken
    if (token === '') return all
  }
}

/** Every page of a list of volumes. */
export async function listAllVolumes(volumes: Volumes, request: Partially<ListVolumesRequest>): Promise<Volume[]> {
  const all: Volume[] = []
  for (let token = ''; ; ) {
    const page = await volumes.list({ ...request, page: { token } })
    all.push(...page.volumes)
    token = page.nextPageToken
    if (token === '') return all
  }
}

/** Every page of a list of the sandboxes on one network. */
export async function listAllSandboxes(sandboxes: Sandboxes, network: string): Promise<Sandbox[]> {
  const all: Sandbox[] = []
  for (let token = ''; ; ) {
    const page = await sandboxes.list({ network, page: { token } })
    all.push(...page.sandboxes)
    token = page.nextPageToken
    if (token === '') return all
  }
}
