/** What somebody proves to a registry who they are with. Nothing set: anonymous. */
export interface RegistryAuth {
  readonly username?: string
  readonly password?: string
  /** A refresh token, exchanged for access tokens. */
  readonly identityToken?: string
  /** An access token, sent as it is. */
  readonly registryToken?: string
}

/** Where credentials are found. */
export interface CredentialSource {
  /** The entry of the longest name that is the registry or a part of registry/repository; undefined: none. */
  find(registry: string, repository: string, signal: AbortSignal): Promise<RegistryAuth | undefined>
}

/** Nobody in particular. */
export const anonymous: CredentialSource = { find: async () => undefined }

/** Asks one after the other. */
export function firstOf(...sources: readonly CredentialSource[]): CredentialSource {
  return {
    async find(registry, repository, signal) {
      for (const source of sources) {
        const auth = await source.find(registry, repository, signal)
        if (auth) return auth
      }
      return undefined
    },
  }
}
