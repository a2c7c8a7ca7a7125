import { type Content, html } from './html.ts'

/** Commands to copy: without a script they are selected by hand. */
export function commands(lines: readonly string[]): Content {
  return html`<div class="commands">${lines.map(
    (line) => html`<div class="command"><code data-copy>${line}</code></div>`,
  )}</div>`
}

/** How an image is pulled. */
export const pullCommands = (reference: string): string[] => [`caisson pull ${reference}`, `docker pull ${reference}`]
