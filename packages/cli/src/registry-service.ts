import type { ServiceClient } from '@caisson/api'
import type {
  AccessDefinition,
  ReplicationsDefinition,
  RepositoriesDefinition,
  StorageDefinition,
  UpstreamsDefinition,
  WebhooksDefinition,
} from '@caisson/api/registry'
import type { Engine } from './engine.ts'

/** The administration of an engine's registry. */
export interface RegistryService {
  readonly repositories: ServiceClient<typeof RepositoriesDefinition>
  readonly access: ServiceClient<typeof AccessDefinition>
  readonly storage: ServiceClient<typeof StorageDefinition>
  readonly webhooks: ServiceClient<typeof WebhooksDefinition>
  readonly replications: ServiceClient<typeof ReplicationsDefinition>
  readonly upstreams: ServiceClient<typeof UpstreamsDefinition>
}

/** Connects to the registry. Throws REGISTRY_NOT_RUNNING when there is none. */
export async function registryService(engine: Engine): Promise<RegistryService> {
  const [api, channel] = await Promise.all([import('@caisson/api/registry'), engine.channel('registry')])
  return {
    repositories: channel.client(api.RepositoriesDefinition),
    access: channel.client(api.AccessDefinition),
    storage: channel.client(api.StorageDefinition),
    webhooks: channel.client(api.WebhooksDefinition),
    replications: channel.client(api.ReplicationsDefinition),
    upstreams: channel.client(api.UpstreamsDefinition),
  }
}

/** Every page of a list. */
export async function everyPage<T>(
  next: (token: string) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }>,
): Promise<T[]> {
  const all: T[] = []
  for (let token = ''; ; ) {
    const { items, nextPageToken } = await next(token)
    all.push(...items)
    token = nextPageToken
    if (token === '') return all
  }
}
