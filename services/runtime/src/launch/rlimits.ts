import type { RuntimeRlimit } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { PlanRecord } from './plan.ts'

/** RLIMIT_* of x86-64 and aarch64. */
const RESOURCES: ReadonlyMap<string, number> = new Map(
  [
    ...['CPU', 'FSIZE', 'DATA', 'STACK', 'CORE', 'RSS', 'NPROC', 'NOFILE', 'MEMLOCK', 'AS', 'LOCKS', 'SIGPENDING'],
    ...['MSGQUEUE', 'NICE', 'RTPRIO', 'RTTIME'],
  ].map((name, number) => [`RLIMIT_${name}`, number]),
)

const INFINITY = 0xffff_ffff_ffff_ffffn

/** Of a container that asks for nothing; clamped to what the service may give. */
export const DEFAULT_RLIMITS: readonly RuntimeRlimit[] = [
  { type: 'RLIMIT_NOFILE', soft: 1024, hard: 524_288 },
  { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
  { type: 'RLIMIT_MEMLOCK', soft: 65_536, hard: 65_536 },
]

/** The defaults, with those that were asked for in their place. */
export function withDefaultRlimits(rlimits: readonly RuntimeRlimit[]): RuntimeRlimit[] {
  const asked = new Set(rlimits.map((rlimit) => rlimit.type))
  return [...DEFAULT_RLIMITS.filter((rlimit) => !asked.has(rlimit.type)), ...rlimits]
}

/** -1 means no limit. Throws RLIMIT_INVALID: an unknown or repeated name, soft over hard. */
export function rlimitRecords(rlimits: readonly RuntimeRlimit[]): PlanRecord[] {
  const seen = new Set<string>()
  return rlimits.map(({ type, soft, hard }) => {
    const resource = RESOURCES.get(type)
    if (resource === undefined) throw refused(type, 'is no resource limit: see getrlimit(2) for the names')
    if (seen.has(type)) throw refused(type, 'is limited twice')
    seen.add(type)
    const [least, most] = [limitOf(type, soft), limitOf(type, hard)]
    if (least > most) throw refused(type, `has a soft limit (${least}) over its hard one (${most})`)
    return { type: 'rlimit', resource, soft: least, hard: most }
  })
}

function limitOf(type: string, value: number | bigint): bigint {
  if (value === -1 || value === -1n) return INFINITY
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!isWhole || value < 0 || BigInt(value) > INFINITY) throw refused(type, `cannot be ${value}`)
  return BigInt(value)
}

function refused(type: string, problem: string): Error {
  const name = type.slice(0, 40)
  return invalid('RLIMIT_INVALID', name, `${JSON.stringify(name)} ${problem}`)
}
