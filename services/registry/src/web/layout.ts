import type { Assets } from './assets.ts'
import { type Content, type Html, html } from './html.ts'
import { HOME, LOGIN } from './paths.ts'
import type { Visitor } from './visitor.ts'

export interface Frame {
  readonly assets: Assets
  /** Absent on pages for those who were not let in. */
  readonly visitor?: Visitor
}

export interface Crumb {
  readonly name: Content
  /** Absent for the page itself. */
  readonly path?: string
}

export interface PageParts {
  readonly title: string
  /** Above the heading; the list of repositories comes before them. */
  readonly crumbs?: readonly Crumb[]
  readonly main: Content
}

/** A whole page. */
export function layout({ assets, visitor }: Frame, { title, crumbs = [], main }: PageParts): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
<script type="module" src="${assets.script}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="${HOME}">${visitor?.host ?? 'Registry'}</a>
${visitor && account(visitor)}
</header>
<main id="main" tabindex="-1">
${crumbs.length > 0 && trail(crumbs)}
${main}
</main>
<footer class="bottom">Caisson registry</footer>
</body>
</html>
`
  return page.markup
}

function account({ name, canLogIn }: Visitor): Content {
  if (name !== '') return html`<p class="account">Logged in as <b>${name}</b></p>`
  return canLogIn && html`<p class="account"><a href="${LOGIN}">Log in</a></p>`
}

function trail(crumbs: readonly Crumb[]): Html {
  const items = [{ name: 'Repositories', path: HOME }, ...crumbs].map(({ name, path }) =>
    path === undefined ? html`<li aria-current="page">${name}</li>` : html`<li><a href="${path}">${name}</a></li>`,
  )
  return html`<nav aria-label="Breadcrumb"><ol class="trail">${items}</ol></nav>`
}

/** Links to the other pages of a list. */
export function pager(label: string, first: string | undefined, next: string | undefined): Content {
  if (first === undefined && next === undefined) return undefined
  return html`<nav class="pager" aria-label="${label}">
${first !== undefined && html`<a href="${first}" rel="first">First page</a>`}
${next !== undefined && html`<a href="${next}" rel="next">Next page</a>`}
</nav>`
}
