import { type Grant, Right } from '@caisson/api/registry'
import { refuse } from './refusal.ts'

const RIGHTS: ReadonlyMap<string, Right> = new Map([
  ['pull', Right.PULL],
  ['push', Right.PUSH],
  ['delete', Right.DELETE],
  ['admin', Right.ADMIN],
])

/** PATTERN=right,right: "team/*=pull,push". */
export function parseGrant(text: string): Grant {
  const at = text.lastIndexOf('=')
  const rights = text
    .slice(at + 1)
    .split(',')
    .map((word) => RIGHTS.get(word))
  if (at <= 0 || rights.some((right) => right === undefined))
    throw refuse(
      '--grant',
      text,
      `is not PATTERN=RIGHTS: write it as 'team/*=pull,push' of ${[...RIGHTS.keys()].join(', ')}`,
    )
  return { repositories: text.slice(0, at), rights: rights.filter((right) => right !== undefined) }
}

/** The same back. */
export function formatGrant({ repositories, rights }: Grant): string {
  const words = [...RIGHTS].filter(([, right]) => rights.includes(right)).map(([word]) => word)
  return `${repositories}=${words.join(',')}`
}
