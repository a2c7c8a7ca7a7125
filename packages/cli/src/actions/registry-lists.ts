import { parseReference } from '@caisson/oci'
import { EXIT_OK } from '../exit-code.ts'
import { authOf } from '../login/auth-of.ts'
import { parseInteger } from '../parse/numbers.ts'
import type { Action } from '../spec.ts'

/** Lists the tags of a repository in its registry. */
export const tags: Action = async ({ engine, out, signal }, [name = '']) => {
  const registries = await engine.registries()
  const { registry, repository } = parseReference(name)
  const request = { repository: `${registry}/${repository}`, auth: await authOf(name, signal) }
  const found: string[] = []
  for await (const { tags } of registries.listTags(request, { signal })) found.push(...tags)
  if (out.json) out.document({ repository: request.repository, tags: found })
  else for (const tag of found) out.line(tag)
  return EXIT_OK
}

/** Finds repositories of a registry by a part of their names. */
export const search: Action = async ({ engine, out, signal }, [registry = '', part = ''], options) => {
  const registries = await engine.registries()
  const request = { registry, auth: await authOf(`${registry}/any`, signal) }
  const limit = options.parsed('limit', (value) => parseInteger('--limit', value, 1)) ?? Number.POSITIVE_INFINITY
  const found: string[] = []
  for await (const { repositories } of registries.listRepositories(request, { signal })) {
    found.push(...repositories.filter((name) => name.includes(part)))
    if (found.length >= limit) break
  }
  const shown = found.slice(0, limit).map((name) => `${registry}/${name}`)
  if (out.json) out.document(shown)
  else for (const name of shown) out.line(name)
  return EXIT_OK
}
