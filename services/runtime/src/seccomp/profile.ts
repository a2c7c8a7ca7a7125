import { createHash } from 'node:crypto'
import { profileError } from './profile-error.ts'

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_ALLOW'

export type SeccompOperator =
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_MASKED_EQ'

/** One comparison of a system call argument; unsigned, of 64 bits. */
export interface ArgumentCondition {
  readonly index: number
  readonly op: SeccompOperator
  /** What the argument is compared with; the mask for MASKED_EQ. */
  readonly value: bigint
  /** For MASKED_EQ what the masked argument must equal. */
  readonly valueTwo: bigint
}

/** When a rule of a Docker profile applies at all. Empty: always. */
export interface RuleFilter {
  readonly capabilities: readonly string[]
  readonly architectures: readonly string[]
  readonly minKernel?: KernelVersion
}

export type KernelVersion = readonly [major: number, minor: number]

export interface ProfileRule {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errno?: number
  /** All of them must hold; when one argument is named twice, any of them (as runc and Docker read it). */
  readonly args: readonly ArgumentCondition[]
  readonly includes: RuleFilter
  readonly excludes: RuleFilter
}

/** A Docker or OCI seccomp profile. Make one with parseSeccompProfile. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction
  readonly defaultErrno?: number
  /** SECCOMP_FILTER_FLAG_* bits. */
  readonly flags: number
  readonly rules: readonly ProfileRule[]
  /** Equal for profiles of equal content. */
  readonly key: string
}

const ACTIONS: ReadonlySet<string> = new Set<SeccompAction>([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_LOG',
  'SCMP_ACT_ALLOW',
])
const OPERATORS: ReadonlySet<string> = new Set<SeccompOperator>([
  'SCMP_CMP_EQ',
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_GT',
  'SCMP_CMP_GE',
  'SCMP_CMP_MASKED_EQ',
])
/** Flags that make sense for a filter that a launcher loads; TSYNC is implied, it has one thread. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
}
const MAX_RULES = 4096
const MAX_NAMES = 4096
const MAX_ARGS = 6
const MAX_ERRNO = 4095
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/**
 * Checks a profile as it came from JSON: Docker's form or the runtime spec's. Unknown properties are ignored, unknown
 * values refused. Throws SECCOMP_PROFILE_INVALID.
 */
export function parseSeccompProfile(json: unknown): SeccompProfile {
  const profile = object(json, 'profile')
  const action = actionOf(profile.defaultAction, 'defaultAction')
  const errno = errnoOf(profile.defaultErrnoRet, action, 'defaultErrnoRet')
  const syscalls = array(profile.syscalls ?? [], 'syscalls', MAX_RULES)
  const rules = syscalls.map((rule, n) => ruleOf(rule, `syscalls[${n}]`))
  const flags = array(profile.flags ?? [], 'flags', 16).reduce<number>((all, flag) => all | flagOf(flag), 0)
  const body = { defaultAction: action, ...(errno !== undefined && { defaultErrno: errno }), flags, rules }
  const text = JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
  return { ...body, key: createHash('sha256').update(text).digest('hex') }
}

function ruleOf(json: unknown, at: string): ProfileRule {
  const rule = object(json, at)
  // Docker's oldest profiles have one `name` a rule.
  const names = array(rule.names ?? (rule.name === undefined ? [] : [rule.name]), `${at}.names`, MAX_NAMES)
  if (names.length === 0) throw profileError(`${at}.names`, 'names no system call')
  const action = actionOf(rule.action, `${at}.action`)
  const errno = errnoOf(rule.errnoRet, action, `${at}.errnoRet`)
  return {
    names: names.map((name, n) => string(name, `${at}.names[${n}]`)),
    action,
    ...(errno !== undefined && { errno }),
    args: array(rule.args ?? [], `${at}.args`, MAX_ARGS * 2).map((arg, n) => conditionOf(arg, `${at}.args[${n}]`)),
    includes: filterOf(rule.includes, `${at}.includes`),
    excludes: filterOf(rule.excludes, `${at}.excludes`),
  }
}

function conditionOf(json: unknown, at: string): ArgumentCondition {
  const condition = object(json, at)
  const index = condition.index
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= MAX_ARGS) {
    throw profileError(`${at}.index`, `is ${String(index)}, not an argument from 0 to ${MAX_ARGS - 1}`)
  }
  const op = string(condition.op, `${at}.op`)
  if (!OPERATORS.has(op)) throw profileError(`${at}.op`, `is ${op}, not a known comparison`)
  return {
    index,
    op: op as SeccompOperator,
    value: u64(condition.value, `${at}.value`),
    valueTwo: u64(condition.valueTwo ?? 0, `${at}.valueTwo`),
  }
}

function filterOf(json: unknown, at: string): RuleFilter {
  const filter = object(json ?? {}, at)
  const strings = (value: unknown, name: string) =>
    array(value ?? [], `${at}.${name}`, 64).map((item, n) => string(item, `${at}.${name}[${n}]`))
  return {
    capabilities: strings(filter.caps, 'caps'),
    architectures: strings(filter.arches, 'arches'),
    ...(filter.minKernel !== undefined && { minKernel: kernelOf(filter.minKernel, `${at}.minKernel`) }),
  }
}

function kernelOf(json: unknown, at: string): KernelVersion {
  return parseKernelVersion(string(json, at)) ?? raise(profileError(at, 'is no kernel version such as "5.11"'))
}

/** Major and minor of "6.18.44-fc" or "4.8"; undefined for anything that does not begin so. */
export function parseKernelVersion(text: string): KernelVersion | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})/.exec(text)
  return match ? [Number(match[1]), Number(match[2])] : undefined
}

function actionOf(json: unknown, at: string): SeccompAction {
  const action = string(json, at)
  if (ACTIONS.has(action)) return action as SeccompAction
  throw profileError(at, action === 'SCMP_ACT_NOTIFY' ? 'asks for a listener, which is not supported' : `is ${action}`)
}

function errnoOf(json: unknown, action: SeccompAction, at: string): number | undefined {
  if (json === undefined || json === null) return undefined
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE')
    throw profileError(at, `makes no sense with ${action}`)
  if (typeof json !== 'number' || !Number.isInteger(json) || json < 0 || json > MAX_ERRNO) {
    throw profileError(at, `is ${String(json)}, not an error number from 0 to ${MAX_ERRNO}`)
  }
  return json
}

function flagOf(json: unknown): number {
  const name = string(json, 'flags')
  const bit = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined
  return bit ?? raise(profileError('flags', `holds ${name}, which is not supported`))
}

function object(json: unknown, at: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw profileError(at, 'is not an object')
  return json as Record<string, unknown>
}

function array(json: unknown, at: string, most: number): unknown[] {
  if (!Array.isArray(json)) throw profileError(at, 'is not a list')
  if (json.length > most) throw profileError(at, `has ${json.length} entries; at most ${most} are allowed`)
  return json
}

function string(json: unknown, at: string): string {
  if (typeof json !== 'string' || json.length === 0 || json.length > 256)
    throw profileError(at, 'is not a short string')
  return json
}

function u64(json: unknown, at: string): bigint {
  const isWhole = typeof json === 'bigint' || (typeof json === 'number' && Number.isSafeInteger(json))
  const value = isWhole ? BigInt(json as number | bigint) : -1n
  if (value < 0n || value > MAX_U64) throw profileError(at, 'is not an unsigned 64-bit number')
  return value
}

function raise(error: Error): never {
  throw error
}
