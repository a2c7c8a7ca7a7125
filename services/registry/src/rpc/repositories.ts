import type { Handlers } from '@caisson/api'
import type { RepositoriesDefinition } from '@caisson/api/registry'
import { manifestUnknown, nameUnknown } from '../distribution/errors.ts'
import {
  parseDigestAtEdge,
  parseManifestReference,
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
} from '../distribution/names.ts'
import type { Domain } from '../domain.ts'
import { fromPage, fromPolicy, nextToken, policyScope, toDescriptor, toRepository, toTag, toTarget } from './convert.ts'
import { readReferences } from './references.ts'

const MOST_REFERRERS = 10_000

/** caisson.registry.v1.Repositories: administration, which no policy holds up. */
export function repositoriesHandlers(domain: Domain): Handlers<typeof RepositoriesDefinition> {
  const { policies, backend } = domain
  const { records } = backend
  const describe = async (name: RepositoryName) => {
    const [record, policy] = await Promise.all([records.repository(name), policies.of(name)])
    return record && toRepository(record, policy)
  }
  return {
    list: async ({ prefix, page }) => {
      const wanted = fromPage(page)
      const names = await records.repositories({ ...wanted, prefix })
      const found = await Promise.all(names.map(describe))
      // One that went meanwhile is left out.
      return { repositories: found.filter((one) => one !== undefined), nextPageToken: nextToken(names, wanted.limit) }
    },
    get: async ({ name }) => (await describe(parseRepositoryName(name))) ?? raise(nameUnknown(name)),
    setPolicy: async ({ name, policy }) => {
      await policies.set(policyScope(name), policy && fromPolicy(policy))
      return {}
    },
    delete: async ({ name }) => {
      if (!(await records.deleteRepository(parseRepositoryName(name)))) throw nameUnknown(name)
      return {}
    },
    listTags: async ({ repository, page }) => {
      const name = parseRepositoryName(repository)
      const wanted = fromPage(page)
      if (!(await records.hasRepository(name))) throw nameUnknown(name)
      const [tags, policy] = await Promise.all([records.tags(name, wanted), policies.of(name)])
      const names = tags.map((tag) => tag.name)
      return { tags: tags.map((tag) => toTag(tag, policy)), nextPageToken: nextToken(names, wanted.limit) }
    },
    getManifest: async ({ repository, reference }) => {
      const name = parseRepositoryName(repository)
      const found = await records.manifest(name, parseManifestReference(reference))
      if (found === undefined) throw manifestUnknown(reference)
      const { references, subject } = readReferences(found.bytes)
      const tags = await records.tags(name, { digest: found.digest, limit: 1_000 })
      return {
        descriptor: toTarget(found),
        content: Buffer.from(found.bytes.buffer, found.bytes.byteOffset, found.bytes.byteLength),
        references: references.map(toDescriptor),
        subject: subject && toDescriptor(subject),
        tags: tags.map((tag) => tag.name),
      }
    },
    listReferrers: async ({ repository, digest, artifactType }) => {
      const filter = artifactType === '' ? {} : { artifactType }
      const page = { ...filter, limit: MOST_REFERRERS }
      const found = await records.referrers(parseRepositoryName(repository), parseDigestAtEdge(digest), page)
      return { referrers: found.map(toDescriptor) }
    },
    deleteTag: async ({ repository, tag }) => {
      if (!(await records.deleteTag(parseRepositoryName(repository), parseTagName(tag)))) throw manifestUnknown(tag)
      return {}
    },
    deleteManifest: async ({ repository, digest }) => {
      const isRemoved = await records.deleteManifest(parseRepositoryName(repository), parseDigestAtEdge(digest))
      if (!isRemoved) throw manifestUnknown(digest)
      return {}
    },
  }
}

function raise(error: Error): never {
  throw error
}
