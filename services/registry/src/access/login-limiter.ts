import { isIPv6 } from 'node:net'
import { exhausted } from '@caisson/api'
import { LRUCache } from 'lru-cache'

const WINDOW_MS = 60_000
const MAX_BY_USER = 10
/** A source that tries one password on many users. */
const MAX_BY_SOURCE = 100
const MAX_KEYS = 20_000

type Window = { count: number; readonly endsAt: number }

/** What a login in progress holds. */
export type LoginAttempt = {
  /** It was right, and does not count. */
  succeeded(): void
}

/**
 * Counts failed logins a minute: 10 by source and user, 100 by source. Logins in progress count as failed until they
 * succeed, so that a hundred at once get no further than ten after one another. Memory is bounded; what is pushed out by
 * an attacker's many user names is still held by the count of the source.
 */
export class LoginLimiter {
  readonly #byUser = new LRUCache<string, Window>({ max: MAX_KEYS })
  readonly #bySource = new LRUCache<string, Window>({ max: MAX_KEYS })
  readonly #now: () => number

  /** `now` in milliseconds, of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How many counts are remembered. */
  get size(): number {
    return this.#byUser.size + this.#bySource.size
  }

  /** Throws TOOMANYREQUESTS with the detail `retryAfter`. */
  begin(source: string, user: string): LoginAttempt {
    const network = networkOf(source)
    const windows = [
      this.#window(this.#byUser, `${network} ${user.slice(0, 256)}`, MAX_BY_USER),
      this.#window(this.#bySource, network, MAX_BY_SOURCE),
    ]
    for (const window of windows) window.count++
    return {
      succeeded() {
        for (const window of windows) window.count--
      },
    }
  }

  #window(windows: LRUCache<string, Window>, key: string, most: number): Window {
    const now = this.#now()
    const known = windows.get(key)
    if (known !== undefined && known.endsAt > now) {
      if (known.count >= most) throw tooMany(Math.ceil((known.endsAt - now) / 1_000))
      return known
    }
    const fresh = { count: 0, endsAt: now + WINDOW_MS }
    windows.set(key, fresh)
    return fresh
  }
}

/** Whoever has an IPv6 address has the 2^64 beside it. */
function networkOf(source: string): string {
  if (!isIPv6(source) || source.startsWith('::ffff:')) return source
  const [head = '', tail = ''] = source.split('::', 2)
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = source.includes('::') ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0') : []
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}

function tooMany(seconds: number): Error {
  return exhausted('TOOMANYREQUESTS', `too many failed logins: try again in ${seconds} seconds`, {
    details: { retryAfter: String(seconds) },
  })
}
