import type { Digest } from '@caisson/oci'
import type { Reference, RepositoryName } from '../distribution/names.ts'
import type { ManifestPage } from './browse.ts'
import { commands, pullCommands } from './commands.ts'
import { configSections } from './config-sections.ts'
import { formatBytes, formatCount, shortDigest, timeAgo } from './format.ts'
import { type Content, html } from './html.ts'
import type { PageParts } from './layout.ts'
import { childrenSection, layersSection, referrersSection } from './manifest-sections.ts'
import { contentSize, platformsOf } from './manifest-view.ts'
import { manifestPath, repositoryPath } from './paths.ts'
import { entriesTable, facts, mediaType, section } from './tables.ts'
import { foreign } from './text.ts'

export interface ManifestData {
  readonly repository: RepositoryName
  readonly reference: Reference
  readonly page: ManifestPage
  readonly referrersAfter: Digest | undefined
  readonly host: string
  readonly now: number
}

/** An image, an index or an artifact, by tag or digest. */
export function manifestPage(data: ManifestData): PageParts {
  const { repository, reference, page, referrersAfter } = data
  const { view, stored, children, referrers } = page
  const name = 'tag' in reference ? reference.tag : shortDigest(reference.digest)
  const path = manifestPath(repository, 'tag' in reference ? reference.tag : reference.digest)
  const isImage = view.kind === 'image'
  return {
    title: `${repository}:${name}`,
    crumbs: [{ name: repository, path: repositoryPath(repository) }, { name }],
    main: html`<h1>${repository}<span class="reference">${'tag' in reference ? ':' : '@'}${name}</span></h1>
${summary(data)}
${commands(references(data))}
${overview(data)}
${childrenSection(repository, view.manifests, children)}
${typeof page.config === 'string' && html`<p class="empty">${foreign(page.config, 400)}</p>`}
${typeof page.config === 'object' && configSections(page.config, view.layers)}
${layersSection(view.layers, isImage)}
${view.annotations.length > 0 && section('annotations', 'Annotations', entriesTable('annotations', view.annotations))}
${referrersSection(repository, path, referrers, referrersAfter)}
${raw(stored.bytes)}`,
  }
}

function summary({ page: { view, config, tags }, now, reference }: ManifestData): Content {
  const tag = 'tag' in reference ? tags.find(({ name }) => name === reference.tag) : undefined
  const platform = typeof config === 'object' ? config.platform : ''
  return html`<p class="meta"><span>${KINDS[view.kind]}</span>
${platform !== '' && html`<span>${foreign(platform, 60)}</span>`}
${view.kind === 'index' && html`<span>${formatCount(platformsOf(view).length, 'platform')}</span>`}
${view.kind !== 'index' && html`<span>${formatBytes(contentSize(view))} to pull</span>`}
${tag && html`<span>pushed ${timeAgo(tag.pushedAt, now)}</span>`}
${tag?.pulledAt !== undefined && html`<span>pulled ${timeAgo(tag.pulledAt, now)}</span>`}</p>`
}

const KINDS = { index: 'Index', image: 'Image', artifact: 'Artifact' } as const

/** How it is pulled: by what the page was asked for, and by what never changes. */
function references({ repository, reference, page, host }: ManifestData): string[] {
  const exact = `${host}/${repository}@${page.stored.digest}`
  const asked = 'tag' in reference ? `${host}/${repository}:${reference.tag}` : exact
  if (page.view.kind === 'artifact') return [...new Set([asked, exact])]
  return pullCommands(asked)
}

function overview({ repository, reference, page: { stored, view, tags } }: ManifestData): Content {
  const own = 'tag' in reference ? reference.tag : undefined
  const others = tags.filter(({ name }) => name !== own)
  return facts([
    ['Digest', html`<code data-copy>${stored.digest}</code>`],
    ['Type', mediaType(stored.mediaType)],
    ['Artifact type', view.kind === 'artifact' && foreign(view.artifactType, 255)],
    [
      own === undefined ? 'Tags' : 'Other tags',
      others.length > 0 && others.map(({ name }) => html`<a href="${manifestPath(repository, name)}">${name}</a> `),
    ],
    [
      'Refers to',
      view.subject &&
        html`<a href="${manifestPath(repository, view.subject.digest)}"><code title="${view.subject.digest}">${shortDigest(view.subject.digest)}</code></a>`,
    ],
  ])
}

const MOST_RAW = 64 * 1024

function raw(bytes: Uint8Array): Content {
  if (bytes.byteLength > MOST_RAW) return undefined
  return html`<details class="raw"><summary>Manifest as it was pushed (${formatBytes(bytes.byteLength)})</summary>
<pre tabindex="0">${foreign(new TextDecoder().decode(bytes), MOST_RAW)}</pre></details>`
}
