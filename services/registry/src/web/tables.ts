import { MOST_ROWS } from './browse.ts'
import { formatCount, mediaTypeName } from './format.ts'
import { type Content, type Html, html } from './html.ts'
import type { Entry } from './loose.ts'
import { foreign, foreignText } from './text.ts'

/** A part of a page with its heading; `id` is what links lead to. */
export function section(id: string, heading: string, body: Content): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
${body}
</section>
`
}

/** Rows of a table, as many as a page can bear, and how many there are more. */
export function bounded<T>(items: readonly T[], row: (item: T, index: number) => Content): Content {
  const rest = items.length - MOST_ROWS
  return html`<tbody>${items.slice(0, MOST_ROWS).map(row)}</tbody>
${rest > 0 && html`<tfoot><tr><td colspan="9" class="more">and ${formatCount(rest, 'more row')}</td></tr></tfoot>`}`
}

/** Annotations, labels. */
export function entriesTable(id: string, entries: readonly Entry[]): Html {
  return html`<table class="entries" aria-labelledby="${id}">
<thead class="hidden"><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>
${bounded(
  entries,
  ([name, value]) => html`<tr><th scope="row">${foreign(name, 300)}</th><td>${foreign(value)}</td></tr>
`,
)}
</table>`
}

/** A list of names and what stands for them; what is empty is left out. */
export function facts(items: readonly (readonly [name: string, value: Content])[]): Html {
  const shown = items.filter(([, value]) => value !== undefined && value !== false && value !== '')
  return html`<dl class="facts">${shown.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
  )}</dl>`
}

/** Its short name when it has one, with the whole as a title. */
export function mediaType(type: string): Content {
  const name = mediaTypeName(type)
  return name === undefined ? foreign(type, 255) : html`<span title="${foreignText(type, 255)}">${name}</span>`
}
