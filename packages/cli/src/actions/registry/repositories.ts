import { Manifest, Repository, Tag } from '@caisson/api/registry'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { ageOf } from '../../output/age.ts'
import { printable } from '../../output/printable.ts'
import { decimalBytes } from '../../output/units.ts'
import { refuse } from '../../parse/refusal.ts'
import { parseRepositoryTarget } from '../../parse/repository.ts'
import { everyPage, registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Lists the repositories of the engine's registry. */
export const registryList: Action = async ({ engine, out, signal }, [prefix = '']) => {
  const { repositories } = await registryService(engine)
  const found = await everyPage(async (token) => {
    const page = await repositories.list({ prefix, page: { token } }, { signal })
    return { items: page.repositories, nextPageToken: page.nextPageToken }
  })
  out.list(
    found,
    [
      { head: 'REPOSITORY', cell: ({ name }) => name },
      { head: 'TAGS', cell: ({ tags }) => String(tags) },
      { head: 'MANIFESTS', cell: ({ manifests }) => String(manifests) },
      { head: 'SIZE', cell: ({ size }) => decimalBytes(size) },
      { head: 'PUSHED', cell: ({ pushedAt }) => ago(pushedAt) },
      { head: 'PULLED', cell: ({ pulledAt }) => ago(pulledAt) },
    ],
    Repository.toJSON,
  )
  return EXIT_OK
}

/** Lists the tags of a repository, with what they point at. */
export const registryTags: Action = async ({ engine, out, signal }, [repository = '']) => {
  const { repositories } = await registryService(engine)
  const found = await everyPage(async (token) => {
    const page = await repositories.listTags({ repository, page: { token } }, { signal })
    return { items: page.tags, nextPageToken: page.nextPageToken }
  })
  out.list(
    found,
    [
      { head: 'TAG', cell: ({ name, immutable }) => (immutable ? `${name} (immutable)` : name) },
      { head: 'DIGEST', cell: ({ target }) => target?.digest ?? '-' },
      { head: 'PUSHED', cell: ({ pushedAt }) => ago(pushedAt) },
      { head: 'PULLED', cell: ({ pulledAt }) => ago(pulledAt) },
    ],
    Tag.toJSON,
  )
  return EXIT_OK
}

/** Tells all about repositories, or about manifests by tag or digest. */
export const registryInspect: Action = async ({ engine, out, signal }, names) => {
  const { repositories } = await registryService(engine)
  const found: unknown[] = []
  for (const { repository, tag, digest } of names.map(parseRepositoryTarget)) {
    const reference = digest ?? tag
    if (reference === undefined) found.push(Repository.toJSON(await repositories.get({ name: repository }, { signal })))
    else {
      const manifest = await repositories.getManifest({ repository, reference }, { signal })
      const json = Manifest.toJSON(manifest)
      found.push({ ...(json as object), content: parsed(manifest.content) })
    }
  }
  out.document(found)
  return EXIT_OK
}

/** Lists what refers to a manifest: signatures, attestations, bills of material. */
export const registryReferrers: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const { repository, digest, tag } = parseRepositoryTarget(name)
  const { repositories } = await registryService(engine)
  if (digest === undefined && tag === undefined) throw refuse('manifest', name, 'needs a tag or a digest')
  const subject = digest ?? (await digestOfTag())
  const request = { repository, digest: subject, artifactType: options.text('type') ?? '' }
  const { referrers } = await repositories.listReferrers(request, { signal })
  out.list(referrers, [
    { head: 'DIGEST', cell: (one) => one.digest },
    { head: 'TYPE', cell: (one) => printable(one.artifactType || one.mediaType) },
    { head: 'SIZE', cell: (one) => decimalBytes(one.size) },
  ])
  return EXIT_OK

  async function digestOfTag(): Promise<string> {
    const { descriptor } = await repositories.getManifest({ repository, reference: tag ?? '' }, { signal })
    return descriptor?.digest ?? ''
  }
}

/** Removes repositories, tags or manifests. */
export const registryRemove: Action = async (context, names, options) => {
  const { repositories } = await registryService(context.engine)
  const { signal } = context
  const targets = names.map(parseRepositoryTarget)
  const whole = targets.find(({ tag, digest }) => tag === undefined && digest === undefined)
  if (whole && !options.flag('force'))
    throw refuse('repository', whole.repository, 'would go with all its tags: say so with --force, or name a tag')
  return eachName(context, names, async (name) => {
    const { repository, tag, digest } = parseRepositoryTarget(name)
    if (digest !== undefined) await repositories.deleteManifest({ repository, digest }, { signal })
    else if (tag !== undefined) await repositories.deleteTag({ repository, tag }, { signal })
    else await repositories.delete({ name: repository }, { signal })
    return undefined
  })
}

const ago = (time: { seconds: number; nanos: number } | undefined): string => (time ? `${ageOf(time)} ago` : '-')

/** Manifests are JSON; anything else is shown as it is. */
function parsed(content: Uint8Array): unknown {
  const text = Buffer.from(content).toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
