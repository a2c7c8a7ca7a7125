import { type SeccompArchitecture, syscallTable, X32_SYSCALL_BIT } from './architecture.ts'
import { BPF, BPF_MAX_INSTRUCTIONS, BpfProgram, type Label } from './bpf-program.ts'
import { ENGINE_RULES, NARROW_RULES } from './engine-rules.ts'
import { type Outcome, outcomesByNumber, returnValue } from './outcome.ts'
import type { KernelVersion, ProfileRule, SeccompProfile } from './profile.ts'
import { profileError } from './profile-error.ts'
import { rangesOf, writeSearch } from './range-tree.ts'
import { resolveRules } from './resolve.ts'

export interface CompileOptions {
  readonly architecture: SeccompArchitecture
  /** Names such as CAP_SYS_ADMIN: the container's bounding set. */
  readonly capabilities: ReadonlySet<string>
  readonly kernel: KernelVersion
  /** Further system call interfaces to let in, by the same rules. Without: their calls get ENOSYS. */
  readonly extraArchitectures?: readonly SeccompArchitecture[]
}

export interface SeccompFilter {
  /** struct sock_filter[]. */
  readonly program: Uint8Array
  /** SECCOMP_FILTER_FLAG_* bits. */
  readonly flags: number
}

const NUMBER_OFFSET = 0
const ARCHITECTURE_OFFSET = 4
const ENOSYS = 38
const NO_SUCH_CALL = returnValue('SCMP_ACT_ERRNO', ENOSYS)

/**
 * Compiles a profile to classic BPF for the kernel's seccomp filter.
 *
 * Calls of other architectures, of x32, and (where the profile denies by default) of numbers over the newest that the
 * profile names get ENOSYS, so that C libraries fall back instead of failing.
 */
export function compileSeccomp(profile: SeccompProfile, options: CompileOptions): SeccompFilter {
  const to = new BpfProgram()
  let next = to.ret(NO_SUCH_CALL)
  const extra = (options.extraArchitectures ?? []).filter((architecture) => architecture !== options.architecture)
  for (const architecture of [...new Set(extra)].toReversed().concat(options.architecture)) {
    const section = writeSection(to, profile, options, architecture)
    next = to.branch(BPF.JEQ, syscallTable(architecture).audit, section, next)
  }
  to.load(ARCHITECTURE_OFFSET, next)
  if (to.length > BPF_MAX_INSTRUCTIONS) {
    const problem = `compiles to ${to.length} instructions; the kernel takes ${BPF_MAX_INSTRUCTIONS}: use fewer conditions`
    throw profileError('rules', problem)
  }
  return { program: to.bytes(), flags: profile.flags }
}

function writeSection(
  to: BpfProgram,
  profile: SeccompProfile,
  options: CompileOptions,
  architecture: SeccompArchitecture,
): Label {
  const table = syscallTable(architecture)
  const engine = table.isNarrow ? [...ENGINE_RULES, ...NARROW_RULES] : ENGINE_RULES
  const context = { ...options, architecture: syscallTable(options.architecture).goName }
  const rules = resolveRules(profile.rules, context)
  const byDefault = returnValue(profile.defaultAction, profile.defaultErrno)
  const outcomes = outcomesByNumber(engine, rules, table, byDefault)
  const newest = newestNamed(profile.rules, table.numbers)
  const ranges = rangesOf(outcomes, constant(byDefault), beyond(profile, architecture, newest))
  return to.load(NUMBER_OFFSET, writeSearch(to, ranges))
}

function beyond(profile: SeccompProfile, architecture: SeccompArchitecture, newest: number) {
  const starts: { start: number; outcome: Outcome }[] = []
  if (isDenial(profile)) starts.push({ start: newest + 1, outcome: constant(NO_SUCH_CALL) })
  else if (architecture === 'SCMP_ARCH_X86_64') starts.push({ start: X32_SYSCALL_BIT, outcome: constant(NO_SUCH_CALL) })
  return starts
}

const constant = (value: number): Outcome => ({ cases: [], otherwise: value })

function isDenial(profile: SeccompProfile): boolean {
  const { defaultAction } = profile
  return defaultAction !== 'SCMP_ACT_ALLOW' && defaultAction !== 'SCMP_ACT_LOG' && defaultAction !== 'SCMP_ACT_TRACE'
}

/**
 * The newest call that a profile's author knew of. A profile that names few calls is a short list rather than an old one,
 * so it is taken to know what Linux 4.18 had.
 */
function newestNamed(rules: readonly ProfileRule[], numbers: ReadonlyMap<string, number>): number {
  const named = rules.flatMap((rule) => rule.names)
  return named.reduce((newest, name) => Math.max(newest, numbers.get(name) ?? -1), numbers.get('rseq') ?? -1)
}
