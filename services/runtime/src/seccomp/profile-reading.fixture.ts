import { syscallTable } from './architecture.ts'
import type { CompileOptions } from './compile.ts'
import { isIntArgument } from './int-arguments.ts'
import type { ArgumentCondition, ProfileRule, RuleFilter, SeccompProfile } from './profile.ts'

/**
 * What a profile means for one system call, read off its rules one by one: slow, plain, and written apart from the
 * compiler. For tests.
 */
export function readProfile(
  profile: SeccompProfile,
  options: CompileOptions,
  call: { readonly number: number; readonly args: readonly bigint[] },
): string {
  const { numbers, goName } = syscallTable(options.architecture)
  const named = (rule: ProfileRule) => rule.names.some((name) => numbers.get(name) === call.number)
  const applies = (rule: ProfileRule) =>
    holds(rule.includes, 'all') && !(isGiven(rule.excludes) && holds(rule.excludes, 'any'))
  const holds = (filter: RuleFilter, mode: 'all' | 'any'): boolean => {
    const facts = [
      ...(mode === 'any' || filter.architectures.length > 0 ? [filter.architectures.includes(goName)] : []),
      ...filter.capabilities.map((name) => options.capabilities.has(name)),
      ...(filter.minKernel ? [kernelNumber(options.kernel) >= kernelNumber(filter.minKernel)] : []),
    ]
    return mode === 'all' ? facts.every(Boolean) : facts.some(Boolean)
  }
  if (call.number === numbers.get('ioctl') && [0x5412n, 0x541cn].includes(BigInt.asUintN(32, call.args[1] ?? 0n))) {
    return 'SCMP_ACT_ERRNO 1'
  }
  const rules = profile.rules.filter((rule) => named(rule) && applies(rule))
  const matching = rules.filter((rule) => rule.args.length > 0 && matches(rule, options, call))[0]
  const decided = matching ?? rules.find((rule) => rule.args.length === 0)
  if (decided) return shown(decided.action, decided.errno)
  const known = ['rseq', ...profile.rules.flatMap((rule) => rule.names)]
  const newest = Math.max(...known.map((name) => numbers.get(name) ?? -1))
  const isDenial = !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction)
  if (isDenial && call.number > newest) return 'SCMP_ACT_ERRNO 38'
  return shown(profile.defaultAction, profile.defaultErrno)
}

const isGiven = (filter: RuleFilter): boolean =>
  filter.architectures.length + filter.capabilities.length > 0 || filter.minKernel !== undefined

const kernelNumber = (version: readonly [number, number]): number => version[0] * 10_000 + version[1]

function shown(action: string, errno: number | undefined): string {
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? `${action} ${errno ?? 1}` : action
}

function matches(
  rule: ProfileRule,
  options: CompileOptions,
  call: { readonly number: number; readonly args: readonly bigint[] },
): boolean {
  const { numbers, isNarrow } = syscallTable(options.architecture)
  const name = rule.names.find((candidate) => numbers.get(candidate) === call.number) ?? ''
  const test = (condition: ArgumentCondition) => {
    const bits = isNarrow || isIntArgument(name, condition.index) ? 32 : 64
    return compare(condition, bits, BigInt.asUintN(bits, call.args[condition.index] ?? 0n))
  }
  const isTwice = new Set(rule.args.map((arg) => arg.index)).size < rule.args.length
  return isTwice ? rule.args.some(test) : rule.args.every(test)
}

function compare(condition: ArgumentCondition, bits: number, argument: bigint): boolean {
  const value = BigInt.asUintN(bits, condition.value)
  switch (condition.op) {
    case 'SCMP_CMP_EQ':
      return argument === value
    case 'SCMP_CMP_NE':
      return argument !== value
    case 'SCMP_CMP_LT':
      return argument < value
    case 'SCMP_CMP_LE':
      return argument <= value
    case 'SCMP_CMP_GT':
      return argument > value
    case 'SCMP_CMP_GE':
      return argument >= value
    case 'SCMP_CMP_MASKED_EQ':
      return (argument & value) === (condition.valueTwo & value)
  }
}
