import type { ArgumentCondition, ProfileRule, RuleFilter } from './profile.ts'

const ALWAYS: RuleFilter = { capabilities: [], architectures: [] }
const EPERM = 1
const TIOCSTI = 0x5412n
const TIOCLINUX = 0x541cn

const deny = (names: readonly string[], args: readonly ArgumentCondition[] = []): ProfileRule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errno: EPERM,
  args,
  includes: ALWAYS,
  excludes: ALWAYS,
})

const ioctl = (request: bigint): ProfileRule =>
  deny(['ioctl'], [{ index: 1, op: 'SCMP_CMP_EQ', value: request, valueTwo: 0n }])

/**
 * What is refused whatever a profile says: pushing input into a terminal, by which a program types into the shell of
 * whoever looks at it.
 */
export const ENGINE_RULES: readonly ProfileRule[] = [ioctl(TIOCSTI), ioctl(TIOCLINUX)]

/**
 * Refused with the default profile, where it is newer than the profile but a close relative of what that refuses:
 * without a rule it would count as unknown and get ENOSYS.
 */
export const DEFAULT_PROFILE_RULES: readonly ProfileRule[] = [
  { ...deny(['open_tree_attr']), excludes: { capabilities: ['CAP_SYS_ADMIN'], architectures: [] } },
]

/** With 32-bit calls let in: the multiplexer hides the address family from a filter, so it is refused (ISO-17). */
export const NARROW_RULES: readonly ProfileRule[] = [deny(['socketcall'])]
