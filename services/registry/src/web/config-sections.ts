import type { ConfigView, HistoryStep } from './config-view.ts'
import { formatBytes, moment } from './format.ts'
import { type Content, html } from './html.ts'
import type { Named } from './manifest-view.ts'
import { bounded, entriesTable, facts, section } from './tables.ts'
import { foreign } from './text.ts'

/** What an image does when it is run, its labels, and how it was made. */
export function configSections(config: ConfigView, layers: readonly Named[]): Content {
  return [
    section('config', 'Configuration', configFacts(config)),
    config.labels.length > 0 && section('labels', 'Labels', entriesTable('labels', config.labels)),
    config.history.length > 0 && section('history', 'History', history(config.history, layers)),
  ]
}

function configFacts(config: ConfigView): Content {
  return facts([
    ['Entrypoint', command(config.entrypoint)],
    ['Command', command(config.cmd)],
    ['User', one(config.user)],
    ['Working directory', one(config.workingDir)],
    ['Environment', several(config.variables)],
    ['Ports', several(config.ports)],
    ['Volumes', several(config.volumes)],
    ['Stop signal', one(config.stopSignal)],
    ['Author', config.author !== '' && foreign(config.author, 300)],
    ['Created', config.created !== undefined && moment(config.created)],
  ])
}

const one = (text: string): Content => text !== '' && html`<code>${foreign(text, 300)}</code>`

const MOST_WORDS = 100

/** Each word apart, so that it is seen where one ends. */
function several(words: readonly string[]): Content {
  if (words.length === 0) return undefined
  const shown = words.slice(0, MOST_WORDS).map((word) => html`<code>${foreign(word, 400)}</code> `)
  const rest = words.length - MOST_WORDS
  return html`<span class="words">${shown}${rest > 0 && html`<span class="more">and ${rest} more</span>`}</span>`
}

const command = several

function history(steps: readonly HistoryStep[], layers: readonly Named[]): Content {
  const made = layersOf(steps, layers)
  return html`<table class="rows history" aria-labelledby="history">
<thead><tr><th scope="col" class="number">Step</th><th scope="col">Made by</th>
<th scope="col" class="number">Layer</th></tr></thead>
${bounded(
  steps,
  (step, index) => html`<tr>
<td class="number">${index + 1}</td>
<td>${madeBy(step)}</td>
<td class="number">${made?.[index] !== undefined && formatBytes(made[index].size)}</td>
</tr>
`,
)}
</table>`
}

function madeBy({ createdBy, comment, created }: HistoryStep): Content {
  return html`<code>${foreign(plainStep(createdBy))}</code>
${created !== undefined && html`<p class="meta">${moment(created)}</p>`}
${comment !== '' && html`<p class="meta">${foreign(comment, 400)}</p>`}`
}

/** The shell's mark of builders says nothing to a reader. */
function plainStep(createdBy: string): string {
  return createdBy.replace(/^\/bin\/sh -c #\(nop\) +/, '').replace(/^(?:RUN )?\/bin\/sh -c /, 'RUN ')
}

/** The layer of each step, when there is one for each that says so. */
function layersOf(steps: readonly HistoryStep[], layers: readonly Named[]): (Named | undefined)[] | undefined {
  if (steps.filter(({ hasLayer }) => hasLayer).length !== layers.length) return undefined
  let next = 0
  return steps.map(({ hasLayer }) => (hasLayer ? layers[next++] : undefined))
}
