import type { RepositoryRecord } from '../backend/ports.ts'
import type { Page } from '../distribution/listings.ts'
import { formatBytes, formatCount, timeAgo } from './format.ts'
import { type Content, html } from './html.ts'
import { type PageParts, pager } from './layout.ts'
import { HOME, repositoryPath, withQuery } from './paths.ts'
import { foreign } from './text.ts'

export interface HomeData {
  readonly page: Page<RepositoryRecord>
  readonly prefix: string
  /** The page begins behind this name. */
  readonly after: string | undefined
  readonly now: number
}

/** All repositories that the visitor may pull from. */
export function homePage(data: HomeData): PageParts {
  const { page, prefix, after } = data
  const last = page.more ? page.items.at(-1)?.name : undefined
  return {
    title: 'Repositories',
    main: html`<h1>Repositories</h1>
${(page.items.length > 0 || prefix !== '' || after !== undefined) && search(prefix)}
${page.items.length > 0 ? list(data) : nothing(data)}
${pager(
  'Pages of repositories',
  after === undefined ? undefined : withQuery(HOME, { prefix }),
  last && withQuery(HOME, { prefix, after: last }),
)}`,
  }
}

function search(prefix: string): Content {
  return html`<form class="search" role="search" action="${HOME}" method="get">
<label for="prefix">Name begins with</label>
<input id="prefix" name="prefix" type="search" value="${prefix}" maxlength="255" autocapitalize="none"
 autocomplete="off" spellcheck="false">
<button type="submit">Find</button>
</form>`
}

function list({ page, now }: HomeData): Content {
  const items = page.items.map(
    ({ name, tags, size, pushedAt, pulledAt }) => html`<li>
<a class="name" href="${repositoryPath(name)}">${breakable(name)}</a>
<p class="meta"><span>${formatCount(tags, 'tag')}</span> <span>${formatBytes(size)}</span>
<span>pushed ${timeAgo(pushedAt, now)}</span>
${pulledAt !== undefined && html`<span>pulled ${timeAgo(pulledAt, now)}</span>`}</p>
</li>`,
  )
  return html`<ul class="repositories" data-filter="Filter this page">${items}</ul>`
}

/** Long names break behind their slashes first. */
function breakable(name: string): Content {
  return name.split('/').map((part, index) => [index > 0 && html`/<wbr>`, part])
}

function nothing({ prefix, after }: HomeData): Content {
  if (prefix !== '') return html`<p class="empty">No repository begins with <b>${foreign(prefix, 80)}</b>.</p>`
  if (after !== undefined) return html`<p class="empty">There are no more repositories.</p>`
  return html`<p class="empty">There is no repository yet that you may pull from. A repository comes to be with the first
push to it.</p>`
}
