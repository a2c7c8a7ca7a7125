import {
  type CredentialsConfig,
  configuredCredentials,
  createRegistryClient,
  type RegistriesConfig,
  type RegistryClient,
  registryHosts,
} from '@caisson/registry-client'

export interface RegistryClientConfig {
  readonly registries: RegistriesConfig
  readonly credentials: CredentialsConfig
  readonly maxManifestBytes: number
  readonly transferIdleMs: number
}

/** The client of registries, as the service is configured. Credentials are read anew for each use. */
export function openRegistries(config: RegistryClientConfig): RegistryClient {
  return createRegistryClient({
    hosts: registryHosts(config.registries),
    credentials: configuredCredentials(config.credentials),
    idleMs: config.transferIdleMs,
    maxManifestBytes: config.maxManifestBytes,
  })
}
