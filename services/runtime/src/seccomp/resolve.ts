import type { KernelVersion, ProfileRule, RuleFilter } from './profile.ts'

/** What the conditional parts of a profile are decided by. */
export interface SeccompContext {
  /** Names such as CAP_SYS_ADMIN: the container's bounding set. */
  readonly capabilities: ReadonlySet<string>
  /** Docker's name of the native architecture: "amd64". */
  readonly architecture: string
  readonly kernel: KernelVersion
}

/** The rules that apply, as Docker decides it: every condition of `includes` holds and none of `excludes`. */
export function resolveRules(rules: readonly ProfileRule[], context: SeccompContext): ProfileRule[] {
  return rules.filter((rule) => isIncluded(rule.includes, context) && !isExcluded(rule.excludes, context))
}

function isIncluded(filter: RuleFilter, context: SeccompContext): boolean {
  const architectureFits = filter.architectures.length === 0 || filter.architectures.includes(context.architecture)
  const capabilitiesFit = filter.capabilities.every((capability) => context.capabilities.has(capability))
  return (
    architectureFits &&
    capabilitiesFit &&
    (filter.minKernel === undefined || isAtLeast(context.kernel, filter.minKernel))
  )
}

function isExcluded(filter: RuleFilter, context: SeccompContext): boolean {
  return (
    filter.architectures.includes(context.architecture) ||
    filter.capabilities.some((capability) => context.capabilities.has(capability)) ||
    (filter.minKernel !== undefined && isAtLeast(context.kernel, filter.minKernel))
  )
}

function isAtLeast(kernel: KernelVersion, least: KernelVersion): boolean {
  return kernel[0] > least[0] || (kernel[0] === least[0] && kernel[1] >= least[1])
}
