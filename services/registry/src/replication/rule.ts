import { invalid } from '@caisson/api'
import { matchesPattern, parsePattern, type RepositoryPattern } from '../access/pattern.ts'
import { isRepositoryName } from '../distribution/names.ts'
import { checkServerUrl } from '../follow/server-url.ts'
import { matchesPattern as matchesTag } from '../policy/policy.ts'

/** What is copied where. */
export interface Rule {
  readonly name: string
  /** Another one when the name is given out again. */
  readonly uid: string
  readonly repositories: readonly RepositoryPattern[]
  /** Pattern. Empty: all, and manifests without a tag when they are pushed. */
  readonly tags: string
  /** Scheme, host and port. */
  readonly targetUrl: string
  /** Before each name there: "mirror/". */
  readonly prefix: string
  /** Empty: nobody in particular. */
  readonly username: string
  readonly password: string
  readonly deletes: boolean
  /** Plain HTTP to what is no loopback address. */
  readonly insecure: boolean
}

/** As an administrator writes it. */
export type RuleDraft = Omit<Rule, 'uid' | 'repositories'> & { readonly repositories: readonly string[] }

const MOST_PATTERNS = 64
const MOST_TAG_PATTERN = 256
const USERNAME = /^[^\p{Cc}:]{0,255}$/u
const PASSWORD = /^\P{Cc}{0,4096}$/u

/** What a draft makes of the rule that there was. Throws INVALID and says what is wrong. */
export function ruleOf(draft: RuleDraft, before: Rule | undefined): Rule {
  const { name, tags, prefix, username, deletes, insecure } = draft
  const targetUrl = checkServerUrl(draft.targetUrl, { insecure, mayHavePath: false }).origin
  const { length } = draft.repositories
  if (length === 0 || length > MOST_PATTERNS) throw invalid(`a replication has 1 to ${MOST_PATTERNS} patterns`)
  if (tags.length > MOST_TAG_PATTERN) throw invalid(`the pattern of tags has at most ${MOST_TAG_PATTERN} characters`)
  if (prefix !== '' && !(prefix.endsWith('/') && isRepositoryName(`${prefix}x`)))
    throw invalid('the prefix is empty, or parts of the name of a repository with a / at its end', {
      details: { field: 'prefix' },
    })
  if (!USERNAME.test(username)) throw invalid('a user name has at most 255 characters and no colon')
  const repositories = draft.repositories.map(parsePattern)
  const password = passwordOf({ ...draft, targetUrl }, before)
  const uid = before?.uid ?? crypto.randomUUID()
  return { name, uid, repositories, tags, targetUrl, prefix, username, password, deletes, insecure }
}

/** A password that is kept is not for another server, nor for another user. */
function passwordOf({ targetUrl, username, password }: RuleDraft, before: Rule | undefined): string {
  if (!PASSWORD.test(password)) throw invalid('a password has at most 4096 characters, and none that controls')
  if (password !== '' && username === '') throw invalid('a password needs a user name')
  if (password !== '' || username === '') return password
  if (before?.targetUrl === targetUrl && before.username === username) return before.password
  throw invalid(`the password of ${username} at ${targetUrl} is needed`, { details: { field: 'password' } })
}

export const isCopied = ({ repositories }: Rule, repository: string): boolean =>
  repositories.some((pattern) => matchesPattern(pattern, repository))

export const isCopiedTag = ({ tags }: Rule, tag: string): boolean => tags === '' || matchesTag(tags, tag)
