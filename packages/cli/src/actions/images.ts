import { now, type Partially, toTimestamp } from '@caisson/api'
import { Image, type ListImagesRequest } from '@caisson/api/image'
import { familiarReference, parseReference } from '@caisson/oci'
import type { Context } from '../context.ts'
import { eachName } from '../each-name.ts'
import { listAllImages } from '../listing.ts'
import { ageOf } from '../output/age.ts'
import { decimalBytes } from '../output/units.ts'
import { parseFilters } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import { parseTime } from '../parse/time.ts'
import type { Action } from '../spec.ts'
import { trustWord } from './trust.ts'

const FILTERS = ['id', 'label', 'reference', 'dangling', 'before', 'since', 'until'] as const

/** An image under one of its names: a line of the table. */
interface NamedImage {
  readonly image: Image
  readonly repository: string
  readonly tag: string
}

/** Lists images, the newest first. */
export const images: Action = async ({ engine, out }, args, options) => {
  const request = listRequest(args, parseFilters(options.list('filter'), FILTERS))
  const found = await listAllImages(await engine.images(), request)
  const whole = options.maybeFlag('trunc') === false
  const idOf = ({ id }: Image): string => (whole ? id : shortId(id))
  if (options.flag('quiet')) for (const image of found) out.line(idOf(image))
  else if (out.json) out.document(found.map(Image.toJSON))
  else
    out.table(found.flatMap(byName), [
      { head: 'REPOSITORY', cell: ({ repository }) => repository },
      { head: 'TAG', cell: ({ tag }) => tag },
      ...(options.flag('digests') ? [{ head: 'DIGEST', cell: ({ image }: NamedImage) => image.digest }] : []),
      ...(options.flag('trust') ? [{ head: 'TRUST', cell: ({ image }: NamedImage) => trustWord(image.trust) }] : []),
      { head: 'IMAGE ID', cell: ({ image }) => idOf(image) },
      { head: 'CREATED', cell: ({ image }) => (image.createdAt ? `${ageOf(image.createdAt)} ago` : '-') },
      { head: 'SIZE', cell: ({ image }) => decimalBytes(image.size) },
      ...(options.flag('unique')
        ? [{ head: 'UNIQUE SIZE', cell: ({ image }: NamedImage) => decimalBytes(image.uniqueSize) }]
        : []),
    ])
  return 0
}

function listRequest(
  names: readonly string[],
  filters: ReadonlyMap<string, readonly string[]>,
): Partially<ListImagesRequest> {
  const dangling = filters.get('dangling')?.at(-1)
  if (dangling !== undefined && dangling !== 'true' && dangling !== 'false')
    throw refuse('--filter dangling', dangling, 'is neither true nor false')
  const until = filters.get('until')?.at(-1)
  return {
    filter: {
      ids: filters.get('id') ?? [],
      labels: filters.get('label') ?? [],
      names: [...names, ...(filters.get('reference') ?? [])],
    },
    dangling: dangling === undefined ? undefined : dangling === 'true',
    before: filters.get('before')?.at(-1),
    since: filters.get('since')?.at(-1),
    until: until === undefined ? undefined : toTimestamp(parseTime('--filter until', until, now())),
  }
}

function byName(image: Image): NamedImage[] {
  // What was pulled by a digest has a repository, and no tag in it.
  const [source = '<none>'] = image.repoDigests.map((name) => splitName(name).repository)
  if (image.names.length === 0) return [{ image, repository: source, tag: '<none>' }]
  return image.names.map((name) => ({ image, ...splitName(name) }))
}

function splitName(name: string): { repository: string; tag: string } {
  const [withoutDigest = name] = familiar(name).split('@')
  const at = withoutDigest.lastIndexOf(':')
  if (at < 0 || withoutDigest.includes('/', at)) return { repository: withoutDigest, tag: '<none>' }
  return { repository: withoutDigest.slice(0, at), tag: withoutDigest.slice(at + 1) }
}

/** A stored name as people write it; what cannot be read is shown as it is. */
export function familiar(name: string): string {
  try {
    return familiarReference(parseReference(name))
  } catch {
    return name
  }
}

/** Twelve digits of an id, without its algorithm. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}

/** Removes names of images, and with the last name the image. */
export const imageRm: Action = async (context, args, options) => {
  const store = await context.engine.images()
  const force = options.flag('force')
  const keepParents = options.maybeFlag('prune') === false
  return eachName(context, args, async (image) => {
    const { untagged, deleted } = await store.remove({ image, force, keepParents }, { signal: context.signal })
    const lines = [...untagged.map((name) => `untagged: ${familiar(name)}`), ...deleted.map((one) => `deleted: ${one}`)]
    return { text: lines.join('\n') || image, fields: { untagged, deleted } }
  })
}

/** Gives an image one more name. */
export const tag: Action = async (context: Context, args) => {
  const [image = '', reference = ''] = args
  const named = await (await context.engine.images()).tag({ image, reference }, { signal: context.signal })
  if (context.out.json) context.out.document(Image.toJSON(named))
  return 0
}
