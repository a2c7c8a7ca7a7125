import type { RepositoryRecord } from '../backend/ports.ts'
import type { Page } from '../distribution/listings.ts'
import type { TagRow } from './browse.ts'
import { commands, pullCommands } from './commands.ts'
import { formatBytes, formatCount, shortDigest, timeAgo } from './format.ts'
import { type Content, html } from './html.ts'
import { type PageParts, pager } from './layout.ts'
import { contentSize, platformsOf } from './manifest-view.ts'
import { manifestPath, repositoryPath, withQuery } from './paths.ts'
import { foreign } from './text.ts'

export interface RepositoryData {
  readonly repository: RepositoryRecord
  readonly page: Page<TagRow>
  /** The page begins behind this tag. */
  readonly after: string | undefined
  readonly host: string
  readonly now: number
}

/** A repository: its tags. */
export function repositoryPage(data: RepositoryData): PageParts {
  const { repository, page, after, host } = data
  const path = repositoryPath(repository.name)
  const last = page.more ? page.items.at(-1)?.tag.name : undefined
  const example = page.items.find(({ tag }) => tag.name === 'latest') ?? page.items[0]
  return {
    title: repository.name,
    crumbs: [{ name: repository.name }],
    main: html`<h1>${repository.name}</h1>
${summary(data)}
${example && commands(pullCommands(`${host}/${repository.name}:${example.tag.name}`))}
<h2 id="tags">Tags</h2>
${page.items.length > 0 ? table(data) : html`<p class="empty">No tag points at what is in this repository.</p>`}
${pager('Pages of tags', after === undefined ? undefined : path, last && withQuery(path, { after: last }))}`,
  }
}

function summary({ repository: { tags, manifests, size, pushedAt, pulledAt }, now }: RepositoryData): Content {
  return html`<p class="meta"><span>${formatCount(tags, 'tag')}</span> <span>${formatCount(manifests, 'manifest')}</span>
<span>${formatBytes(size)}</span> <span>pushed ${timeAgo(pushedAt, now)}</span>
${pulledAt !== undefined && html`<span>pulled ${timeAgo(pulledAt, now)}</span>`}</p>`
}

function table({ repository, page, now }: RepositoryData): Content {
  const rows = page.items.map(
    ({ tag, manifest }) => html`<tr>
<th scope="row"><a href="${manifestPath(repository.name, tag.name)}">${tag.name}</a></th>
<td>${manifest && content(manifest)}</td>
<td class="number">${manifest && sizeOf(manifest)}</td>
<td><code title="${tag.target.digest}">${shortDigest(tag.target.digest)}</code></td>
<td>${timeAgo(tag.pushedAt, now)}</td>
</tr>`,
  )
  return html`<table class="rows" aria-labelledby="tags" data-filter="Filter this page">
<thead><tr><th scope="col">Tag</th><th scope="col">Content</th><th scope="col" class="number">Size</th>
<th scope="col">Digest</th><th scope="col">Pushed</th></tr></thead>
<tbody>${rows}</tbody>
</table>`
}

const SHOWN_PLATFORMS = 4

function content(manifest: NonNullable<TagRow['manifest']>): Content {
  if (manifest.kind === 'image') return formatCount(manifest.layers.length, 'layer')
  if (manifest.kind === 'artifact') return foreign(manifest.artifactType, 80)
  const platforms = platformsOf(manifest)
  if (platforms.length === 0) return formatCount(manifest.manifests.length, 'manifest')
  const shown = platforms
    .slice(0, SHOWN_PLATFORMS)
    .map((name) => html`<span class="platform">${foreign(name, 60)}</span> `)
  const rest = platforms.length - SHOWN_PLATFORMS
  return [shown, rest > 0 && html`<span class="more">and ${rest} more</span>`]
}

/** What an index is of is not fetched as a whole. */
function sizeOf(manifest: NonNullable<TagRow['manifest']>): Content {
  return manifest.kind === 'index' ? undefined : formatBytes(contentSize(manifest))
}
