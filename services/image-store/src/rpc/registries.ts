import type { Handlers } from '@caisson/api'
import type { RegistriesDefinition } from '@caisson/api/registries'
import { parseReference } from '@caisson/oci'
import type { ImageStore } from '../service.ts'
import { fromAuth } from './auth.ts'

/** Names in one message. */
const MOST = 1_000

/** caisson.image.v1.Registries. */
export function registriesHandlers({ registries }: ImageStore): Handlers<typeof RegistriesDefinition> {
  return {
    checkLogin: async ({ registry, auth }, { signal }) => ({
      asked: await registries.registry(registry, fromAuth(auth)).checkLogin(signal),
    }),
    listTags: async function* ({ repository, auth }, { signal }) {
      const tags = registries.repository(parseReference(repository), fromAuth(auth)).tags(signal)
      for await (const some of portions(tags)) yield { tags: some }
    },
    listRepositories: async function* ({ registry, auth }, { signal }) {
      const repositories = registries.registry(registry, fromAuth(auth)).repositories(signal)
      for await (const some of portions(repositories)) yield { repositories: some }
    },
  }
}

async function* portions(names: AsyncIterable<string>): AsyncGenerator<string[]> {
  let some: string[] = []
  for await (const name of names) {
    some.push(name)
    if (some.length < MOST) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}
