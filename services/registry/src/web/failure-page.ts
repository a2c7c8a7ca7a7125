import { html } from './html.ts'
import type { PageParts } from './layout.ts'
import { HOME, LOGIN } from './paths.ts'

const TEXTS: Readonly<Record<number, readonly [title: string, text: string]>> = {
  400: ['This request cannot be read', 'Something in the address is not what it should be.'],
  401: ['Log in to go on', 'With your name and password you see what you may pull.'],
  404: ['There is nothing here', 'It was removed, never was here, or is not for you to see.'],
  429: ['Too many attempts', 'Wait a moment before you try again.'],
  503: ['Not available right now', 'Try again in a moment.'],
}

/** What a page says instead. Nothing of the failure itself is told: it could say what somebody may not know. */
export function failurePage(status: number): PageParts {
  const [title, text] = TEXTS[status] ?? ['Something went wrong', 'The registry’s log says what.']
  return {
    title,
    main: html`<h1>${title}</h1>
<p>${text}</p>
<p><a href="${status === 401 ? LOGIN : HOME}">${status === 401 ? 'Log in' : 'All repositories'}</a></p>`,
  }
}
