import type { SyscallTable } from './architecture.ts'
import type { CompiledCondition } from './condition.ts'
import { isIntArgument } from './int-arguments.ts'
import type { ArgumentCondition, ProfileRule, SeccompAction } from './profile.ts'

/** What happens to one system call: the first case whose conditions all hold decides, else `otherwise`. */
export interface Outcome {
  readonly cases: readonly OutcomeCase[]
  /** SECCOMP_RET_* value. */
  readonly otherwise: number
}

export interface OutcomeCase {
  readonly conditions: readonly CompiledCondition[]
  readonly value: number
}

const DEFAULT_ERRNO = 1

const RETURN: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
}

/** SECCOMP_RET_* for an action; an error number only where the action carries one. */
export function returnValue(action: SeccompAction, errno: number | undefined): number {
  const carries = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
  return carries ? RETURN[action] + (errno ?? DEFAULT_ERRNO) : RETURN[action]
}

/**
 * Outcomes of every system call that the rules name and the table has. For one call the rules with conditions come
 * first, in their order; then the first rule without; then the default. An engine rule without conditions is final.
 */
export function outcomesByNumber(
  engine: readonly ProfileRule[],
  profile: readonly ProfileRule[],
  table: SyscallTable,
  byDefault: number,
): Map<number, Outcome> {
  const engineRules = rulesByName(engine)
  const profileRules = rulesByName(profile)
  const outcomes = new Map<number, Outcome>()
  for (const name of new Set([...engineRules.keys(), ...profileRules.keys()])) {
    const number = table.numbers.get(name)
    if (number === undefined) continue
    const first = engineRules.get(name) ?? []
    const rules = first.some(isUnconditional) ? first : [...first, ...(profileRules.get(name) ?? [])]
    outcomes.set(number, outcomeOf(name, rules, table, byDefault))
  }
  return outcomes
}

const isUnconditional = (rule: ProfileRule): boolean => rule.args.length === 0

function rulesByName(rules: readonly ProfileRule[]): Map<string, ProfileRule[]> {
  const byName = new Map<string, ProfileRule[]>()
  for (const rule of rules) {
    for (const name of new Set(rule.names)) {
      const known = byName.get(name)
      if (known === undefined) byName.set(name, [rule])
      else known.push(rule)
    }
  }
  return byName
}

function outcomeOf(name: string, rules: readonly ProfileRule[], table: SyscallTable, byDefault: number): Outcome {
  const fallback = rules.find(isUnconditional)
  const otherwise = fallback === undefined ? byDefault : returnValue(fallback.action, fallback.errno)
  const cases = rules.flatMap((rule) => casesOf(name, rule, table))
  while (cases.at(-1)?.value === otherwise) cases.pop()
  return { cases, otherwise }
}

function casesOf(name: string, rule: ProfileRule, table: SyscallTable): OutcomeCase[] {
  if (isUnconditional(rule)) return []
  const value = returnValue(rule.action, rule.errno)
  const conditions = rule.args.map((arg) => compiled(name, arg, table))
  const indexes = new Set(conditions.map((condition) => condition.index))
  if (indexes.size < conditions.length) return conditions.map((condition) => ({ conditions: [condition], value }))
  return [{ conditions, value }]
}

function compiled(name: string, arg: ArgumentCondition, table: SyscallTable): CompiledCondition {
  return { ...arg, isNarrow: table.isNarrow || isIntArgument(name, arg.index) }
}

/** Equal for outcomes that compile to the same instructions. */
export function outcomeKey(outcome: Outcome): string {
  const cases = outcome.cases.map(({ conditions, value }) => {
    const parts = conditions.map((c) => `${c.index}${c.op}${c.value}/${c.valueTwo}/${c.isNarrow}`)
    return `${parts.join('&')}>${value}`
  })
  return `${cases.join('|')}|${outcome.otherwise}`
}
