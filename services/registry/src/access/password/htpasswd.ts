import { isUserName } from '../user-name.ts'
import type { PasswordHash } from './hasher.ts'

/** A login with a higher cost holds a thread for seconds: 14 is about one. */
const MAX_COST = 14
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

export type HtpasswdEntry = { readonly user: string; readonly hash: PasswordHash }

export type HtpasswdFile = {
  readonly entries: readonly HtpasswdEntry[]
  /** "line 3: why"; never the line itself, which holds a hash. */
  readonly refused: readonly string[]
}

/** Reads a file of the command htpasswd: comments and empty lines are passed over, all but bcrypt is refused. */
export function parseHtpasswd(text: string): HtpasswdFile {
  const entries = new Map<string, HtpasswdEntry>()
  const refused: string[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const user = line.slice(0, Math.max(colon, 0))
    const encoded = line.slice(colon + 1)
    const why = entries.has(user) ? 'the user stands here twice, and the first line counts' : refusal(user, encoded)
    if (why === undefined) entries.set(user, { user, hash: { kind: 'bcrypt', encoded } })
    else refused.push(`line ${index + 1}: ${why}`)
  }
  return { entries: [...entries.values()], refused }
}

function refusal(user: string, encoded: string): string | undefined {
  if (!isUserName(user)) return 'it does not begin with the name of a user and a colon'
  const cost = BCRYPT.exec(encoded)?.[1]
  if (cost === undefined) return 'only passwords by bcrypt are taken over: make them with htpasswd -B'
  if (Number(cost) < 4 || Number(cost) > MAX_COST) return `the cost of bcrypt must be 4 to ${MAX_COST}`
  return undefined
}
