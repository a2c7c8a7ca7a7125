import { invalid } from '@caisson/api'
import type { FoundImage, ImageLookup } from './lookup.ts'
import type { ImagePlace } from './ports.ts'

/** Which images a list wants. What is absent or empty is no condition. */
export interface ImageFilter {
  readonly filter?:
    | { readonly ids: readonly string[]; readonly names: readonly string[]; readonly labels: readonly string[] }
    | undefined
  /** Only those without a name (true), or with one. */
  readonly dangling?: boolean | undefined
  /** Images by name, digest or id: only what was made before the one and after the other. */
  readonly before?: string
  readonly since?: string
  /** Only those made before; milliseconds since 1970, 0: no condition. */
  readonly until?: number
  /** Labels that must not be there: name, or name=value. */
  readonly withoutLabels?: readonly string[]
}

/** A test for one image. */
export function matchesFilter(wanted: ImageFilter, lookup: ImageLookup): (image: FoundImage) => boolean {
  const { ids = [], names = [], labels = [] } = wanted.filter ?? {}
  const { withoutLabels = [] } = wanted
  const before = madeAt(wanted.before, lookup)
  const since = madeAt(wanted.since, lookup)
  const patterns = names.map(namePattern)
  return ({ record, names: own, repoDigests }) =>
    (ids.length === 0 || ids.some((id) => hasIdPrefix(record.id, id))) &&
    (patterns.length === 0 || patterns.some((fits) => own.some(fits) || repoDigests.some(fits))) &&
    labels.every((label) => hasLabel(record.config.labels, label)) &&
    !withoutLabels.some((label) => hasLabel(record.config.labels, label)) &&
    (wanted.dangling === undefined || wanted.dangling === (own.length === 0)) &&
    (before === undefined || record.createdMs < before) &&
    (since === undefined || record.createdMs > since) &&
    (!wanted.until || record.createdMs < wanted.until)
}

/** One page of those that fit, and the token of the next: the place of the last image, which may be gone by then. */
export function page(
  lookup: Pick<ImageLookup, 'newestFirst'>,
  isWanted: (image: FoundImage) => boolean,
  { after, limit }: { after: string; limit: number },
): { rows: FoundImage[]; next: string } {
  const rows: FoundImage[] = []
  for (const image of lookup.newestFirst(placeOf(after))) {
    if (!isWanted(image)) continue
    const last = rows.at(-1)
    if (last && rows.length === limit) return { rows, next: `${last.record.createdMs} ${last.record.id}` }
    rows.push(image)
  }
  return { rows, next: '' }
}

function placeOf(token: string): ImagePlace | undefined {
  if (token === '') return undefined
  const [, createdMs, id] = /^(-?\d{1,15}) (\S{1,200})$/.exec(token) ?? []
  if (createdMs === undefined || id === undefined)
    throw invalid('this is no token of a page of images', { reason: 'INVALID_PAGE' })
  return { createdMs: Number(createdMs), id }
}

function madeAt(query: string | undefined, lookup: ImageLookup): number | undefined {
  return query === undefined || query === '' ? undefined : lookup.find(query, undefined).record.createdMs
}

function hasIdPrefix(id: string, prefix: string): boolean {
  return prefix !== '' && (id.startsWith(prefix) || id.slice('sha256:'.length).startsWith(prefix))
}

/** A whole name, or a repository without a tag; `*` is anything but a slash; Docker Hub may be left out. */
function namePattern(pattern: string): (name: string) => boolean {
  const source = pattern.split('*').map(RegExp.escape).join('[^/]*')
  const expression = new RegExp(`^${source}$`)
  return (name) => [name, repositoryOf(name)].some((form) => shortForms(form).some((short) => expression.test(short)))
}

const repositoryOf = (name: string): string =>
  name.slice(0, name.includes('@') ? name.indexOf('@') : name.lastIndexOf(':'))

function shortForms(name: string): string[] {
  const path = name.startsWith('docker.io/') ? name.slice('docker.io/'.length) : undefined
  if (path === undefined) return [name]
  return path.startsWith('library/') ? [name, path, path.slice('library/'.length)] : [name, path]
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals < 0) return Object.hasOwn(labels, wanted)
  const name = wanted.slice(0, equals)
  return Object.hasOwn(labels, name) && labels[name] === wanted.slice(equals + 1)
}
