import { type Content, type Html, html } from './html.ts'

/** What is shown of a text; whole ones are in the raw document. */
const MOST_SHOWN = 1_500

/**
 * Characters that show nothing, or change how their neighbours look: controls, formats (among them the overrides of
 * writing direction), separators of lines and paragraphs, private and unassigned ones, halves of surrogate pairs, fillers,
 * and variation selectors, which can hide whole texts. Line ends, tabs, and what joins pictures are as they are.
 */
const UNSEEN =
  /(?![\n\t])(?!(?<=\p{Extended_Pictographic})[\u{200D}\u{FE0F}])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Variation_Selector}\u{115F}\u{1160}\u{3164}\u{FFA0}\u{2800}]/gu
/** More marks on one letter than any writing needs reach into the lines around it. */
const PILED = /(\p{M}{4})\p{M}+/gu

/**
 * A text that came from an image: clipped, what cannot be seen made visible, and kept apart from the writing direction of
 * what stands around it.
 */
export function foreign(text: string, most = MOST_SHOWN): Html {
  const shown = clip(text, most)
  const rest = text.length - shown.length
  return html`<bdi>${seen(shown)}</bdi>${rest > 0 && html` <span class="more">… ${rest} more characters</span>`}`
}

/** The same without markup: for attributes and titles. */
export function foreignText(text: string, most = 200): string {
  const shown = clip(text, most)
  const visible = shown.replace(PILED, '$1').replace(UNSEEN, codePoint)
  return shown.length < text.length ? `${visible}…` : visible
}

/** Does not cut a character in two. */
function clip(text: string, most: number): string {
  if (text.length <= most) return text
  const last = text.charCodeAt(most - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most)
}

function seen(text: string): Content {
  const calm = text.replace(PILED, '$1')
  const parts: Content[] = []
  let from = 0
  for (const match of calm.matchAll(UNSEEN)) {
    parts.push(calm.slice(from, match.index), html`<span class="unseen">${codePoint(match[0])}</span>`)
    from = match.index + match[0].length
  }
  return [...parts, calm.slice(from)]
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
