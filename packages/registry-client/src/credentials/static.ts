import { namesOf, normalName } from './names.ts'
import type { CredentialSource, RegistryAuth } from './source.ts'

/** Credentials by name: "registry.example" or "registry.example/team/app"; the longest that fits counts. */
export function staticCredentials(entries: Readonly<Record<string, RegistryAuth>>): CredentialSource {
  const byName = new Map(Object.entries(entries).map(([name, auth]) => [normalName(name), auth]))
  return {
    async find(registry, repository) {
      const name = namesOf(registry, repository).find((candidate) => byName.has(candidate))
      return name === undefined ? undefined : byName.get(name)
    },
  }
}
