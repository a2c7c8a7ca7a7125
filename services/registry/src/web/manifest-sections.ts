import type { Descriptor, Digest } from '@caisson/oci'
import type { Page } from '../distribution/listings.ts'
import type { RepositoryName } from '../distribution/names.ts'
import { formatBytes, moment, shortDigest } from './format.ts'
import { type Content, html } from './html.ts'
import { pager } from './layout.ts'
import { type Entry, looseTime } from './loose.ts'
import { isUnknown, type Named } from './manifest-view.ts'
import { manifestPath, withQuery } from './paths.ts'
import { bounded, mediaType, section } from './tables.ts'
import { foreign } from './text.ts'

/** Manifests of an index. */
export function childrenSection(
  repository: RepositoryName,
  manifests: readonly Named[],
  here: ReadonlyMap<Digest, number | undefined>,
): Content {
  if (manifests.length === 0) return undefined
  const table = html`<table class="rows" aria-labelledby="manifests">
<thead><tr><th scope="col">Platform</th><th scope="col">Digest</th><th scope="col">Type</th>
<th scope="col" class="number">Size</th></tr></thead>
${bounded(
  manifests,
  (child) => html`<tr>
<th scope="row">${platformOf(child)}</th>
<td>${here.has(child.digest) ? link(repository, child.digest) : html`${digest(child.digest)} <span class="more">not here</span>`}</td>
<td>${mediaType(child.artifactType || child.mediaType)}</td>
<td class="number">${sizeOf(here.get(child.digest))}</td>
</tr>
`,
)}
</table>`
  return section('manifests', 'Manifests', table)
}

const sizeOf = (bytes: number | undefined): Content => bytes !== undefined && formatBytes(bytes)

function platformOf({ platform, annotations }: Named): Content {
  if (platform !== '' && !isUnknown(platform)) return foreign(platform, 100)
  const kind = annotations.find(([name]) => name === 'vnd.docker.reference.type')?.[1]
  return html`<span class="more">${kind === undefined ? 'for no platform' : foreign(kind, 60)}</span>`
}

/** Layers of an image, or files of an artifact. */
export function layersSection(layers: readonly Named[], isImage: boolean): Content {
  if (layers.length === 0) return undefined
  const largest = Math.max(...layers.map(({ size }) => size), 1)
  const heading = isImage ? 'Layers' : 'Content'
  const table = html`<table class="rows" aria-labelledby="layers">
<thead><tr><th scope="col" class="number">No.</th><th scope="col">Digest</th><th scope="col">Type</th>
<th scope="col" class="number">Size</th><th scope="col" class="share"><span class="hidden">Share</span></th></tr></thead>
${bounded(
  layers,
  (layer, index) => html`<tr>
<td class="number">${index + 1}</td>
<th scope="row">${digest(layer.digest)}${title(layer.annotations)}</th>
<td>${mediaType(layer.mediaType)}</td>
<td class="number">${formatBytes(layer.size)}</td>
<td class="share">${bar(layer.size / largest)}</td>
</tr>
`,
)}
</table>`
  return section('layers', heading, table)
}

/** Artifacts name their files. */
function title(annotations: readonly Entry[]): Content {
  const name = annotations.find(([key]) => key === 'org.opencontainers.image.title')?.[1]
  return name !== undefined && html`<p class="meta">${foreign(name, 200)}</p>`
}

/** Says nothing that the size beside it does not. */
function bar(share: number): Content {
  const width = (share * 100).toFixed(1)
  return html`<svg class="bar" aria-hidden="true" width="100%" height="6"><rect width="100%" height="6" rx="3"/><rect
 class="filled" width="${width}%" height="6" rx="3"/></svg>`
}

/** What refers to a manifest: signatures, attestations, descriptions. */
export function referrersSection(
  repository: RepositoryName,
  path: string,
  { items, more }: Page<Descriptor>,
  after: string | undefined,
): Content {
  if (items.length === 0 && after === undefined) return undefined
  const last = more ? items.at(-1)?.digest : undefined
  const table = html`<table class="rows" aria-labelledby="referrers">
<thead><tr><th scope="col">Kind</th><th scope="col">Digest</th><th scope="col">Created</th>
<th scope="col" class="number">Manifest</th></tr></thead>
${bounded(
  items,
  (item) => html`<tr>
<th scope="row">${mediaType(item.artifactType ?? item.mediaType)}</th>
<td>${link(repository, item.digest)}</td>
<td>${createdOf(item)}</td>
<td class="number">${formatBytes(item.size)}</td>
</tr>
`,
)}
</table>
${pager(
  'Pages of referrers',
  after === undefined ? undefined : `${path}#referrers`,
  last && `${withQuery(path, { referrers: last })}#referrers`,
)}`
  return section('referrers', 'Referrers', table)
}

function createdOf({ annotations }: Descriptor): Content {
  const text = annotations?.['org.opencontainers.image.created'] ?? ''
  const at = looseTime(text)
  return at === undefined ? text !== '' && foreign(text, 40) : moment(at)
}

const digest = (whole: Digest): Content => html`<code title="${whole}">${shortDigest(whole)}</code>`

const link = (repository: RepositoryName, whole: Digest): Content =>
  html`<a href="${manifestPath(repository, whole)}">${digest(whole)}</a>`
