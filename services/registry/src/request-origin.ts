import { AsyncLocalStorage } from 'node:async_hooks'

/** Whose request it is that something is done for. */
export interface RequestOrigin {
  /** Name of the user or token. Empty: nobody in particular. */
  readonly actor: string
  readonly userAgent: string
  /** Where the request comes from. */
  readonly address: string
}

const MOST_CHARACTERS = 256
const current = new AsyncLocalStorage<RequestOrigin>()

/** Does work for a request: events of what it changes tell of it. */
export function doneFor<T>(origin: RequestOrigin, work: () => Promise<T>): Promise<T> {
  return current.run(origin, work)
}

/** Attributes of an event: actor, user_agent and address, as far as they are known. What clients write is cut short. */
export function originAttributes(): Record<string, string> {
  const origin = current.getStore()
  if (origin === undefined) return {}
  const { actor, userAgent, address } = origin
  const found = { actor, user_agent: plain(userAgent), address }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''))
}

const plain = (text: string): string => text.slice(0, MOST_CHARACTERS).replaceAll(/[^\x20-\x7e]/g, '?')
