import { invalid } from '@caisson/api'
import { matchesPattern, parsePattern, type RepositoryPattern } from '../access/pattern.ts'
import type { RegistryEvent } from '../follow/ports.ts'
import { checkServerUrl } from '../follow/server-url.ts'
import { EVENT_TYPES, type EventType, USUAL_EVENTS } from './event-type.ts'
import { checkSecret } from './signature.ts'

/** An endpoint that is told of what happens. */
export interface Webhook {
  readonly name: string
  /** Another one when the name is given out again. */
  readonly uid: string
  readonly url: string
  /** Undefined: deliveries are not signed. */
  readonly secret: string | undefined
  /** Empty: the usual ones. */
  readonly events: readonly EventType[]
  /** Empty: all. */
  readonly repositories: readonly RepositoryPattern[]
  readonly disabled: boolean
  /** Plain HTTP to what is no loopback address. */
  readonly insecure: boolean
}

/** As an administrator writes it. */
export interface WebhookDraft {
  readonly name: string
  readonly url: string
  /** Undefined: as it was. */
  readonly secret: string | undefined
  readonly unsigned: boolean
  readonly events: readonly string[]
  readonly repositories: readonly string[]
  readonly disabled: boolean
  readonly insecure: boolean
}

const MOST_PATTERNS = 64

/** What a draft makes of the webhook that there was. Throws INVALID and says what is wrong. */
export function webhookOf(draft: WebhookDraft, before: Webhook | undefined, newUid: () => string): Webhook {
  const { name, url, insecure, disabled, unsigned } = draft
  checkServerUrl(url, { insecure, mayHavePath: true })
  if (unsigned && draft.secret !== undefined) throw invalid('a webhook with a secret is signed: leave one of them out')
  const secret = unsigned ? undefined : draft.secret === undefined ? before?.secret : checkSecret(draft.secret)
  if (draft.repositories.length > MOST_PATTERNS) throw invalid(`a webhook has at most ${MOST_PATTERNS} patterns`)
  return {
    ...{ name, url, secret, disabled, insecure },
    // Who was disabled begins anew with what happens from now on.
    uid: before === undefined || (before.disabled && !disabled) ? newUid() : before.uid,
    events: draft.events.map(eventType),
    repositories: draft.repositories.map(parsePattern),
  }
}

/** Whether a webhook is to be told of an event. */
export function isWanted({ events, repositories }: Webhook, { type, repository }: RegistryEvent): boolean {
  const types: readonly string[] = events.length === 0 ? USUAL_EVENTS : events
  if (!types.includes(type)) return false
  return repositories.length === 0 || repositories.some((pattern) => matchesPattern(pattern, repository))
}

function eventType(text: string): EventType {
  const found = EVENT_TYPES.find((type) => type === text)
  if (found !== undefined) return found
  throw invalid(`${JSON.stringify(text.slice(0, 80))} is no type of event: choose of ${EVENT_TYPES.join(', ')}`)
}
