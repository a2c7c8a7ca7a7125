/** Permissions, or how to change those that a file has. */
export type FileMode =
  | { readonly kind: 'octal'; readonly mode: number }
  | { readonly kind: 'symbolic'; readonly clauses: readonly ModeClause[] }

export interface ModeClause {
  /** Of u, g and o. */
  readonly who: readonly Who[]
  readonly operator: '+' | '-' | '='
  /** Of r, w, x, X, s and t, or one of u, g and o: whose permissions are copied. */
  readonly permissions: string
}

type Who = 'u' | 'g' | 'o'

const SHIFT: Readonly<Record<Who, number>> = { u: 6, g: 3, o: 0 }
const SET_ID: Readonly<Record<Who, number>> = { u: 0o4000, g: 0o2000, o: 0 }
const STICKY = 0o1000
const MOST_CLAUSES = 64

/** Reads "644", "0755" or "u=rwX,go=rX"; undefined for what is no mode. */
export function parseMode(text: string): FileMode | undefined {
  if (/^[0-7]{1,8}$/.test(text)) {
    const mode = Number.parseInt(text, 8)
    return mode <= 0o7777 ? { kind: 'octal', mode } : undefined
  }
  const clauses: ModeClause[] = []
  for (const part of text.split(',')) {
    const [, people = '', actions = ''] = /^([ugoa]{0,8})((?:[+=-](?:[rwxXst]{0,8}|[ugo]))+)$/.exec(part) ?? []
    if (actions === '' || clauses.length > MOST_CLAUSES) return undefined
    const who = people === '' || people.includes('a') ? (['u', 'g', 'o'] as const) : uniqueWho(people)
    for (const [, operator = '', permissions = ''] of actions.matchAll(/([+=-])([rwxXstugo]*)/g)) {
      clauses.push({ who, operator: operator as ModeClause['operator'], permissions })
    }
  }
  return { kind: 'symbolic', clauses }
}

function uniqueWho(people: string): Who[] {
  return (['u', 'g', 'o'] as const).filter((who) => people.includes(who))
}

/** The mode that a file of the mode `current` gets. */
export function applyMode(mode: FileMode, current: number, isDirectory: boolean): number {
  if (mode.kind === 'octal') return mode.mode
  return mode.clauses.reduce((before, clause) => applyClause(clause, before, isDirectory), current & 0o7777)
}

function applyClause({ who, operator, permissions }: ModeClause, before: number, isDirectory: boolean): number {
  const runs = isDirectory || (before & 0o111) !== 0
  let [bits, mask] = [0, 0]
  for (const one of who) {
    bits |= (permissionBits(permissions, before, runs) << SHIFT[one]) | (permissions.includes('s') ? SET_ID[one] : 0)
    mask |= (0o7 << SHIFT[one]) | SET_ID[one]
  }
  if (permissions.includes('t')) bits |= STICKY
  if (operator === '+') return before | bits
  if (operator === '-') return before & ~bits
  return (before & ~mask) | bits
}

function permissionBits(permissions: string, before: number, runs: boolean): number {
  let bits = 0
  for (const letter of permissions) {
    if (letter === 'r') bits |= 4
    else if (letter === 'w') bits |= 2
    else if (letter === 'x' || (letter === 'X' && runs)) bits |= 1
    else if (letter === 'u' || letter === 'g' || letter === 'o') bits |= (before >> SHIFT[letter]) & 7
  }
  return bits
}
