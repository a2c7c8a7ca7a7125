import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { CaissonError, type ErrorCode } from '@caisson/api'
import { LaunchStep, type MonitorFailed } from '../monitor/message.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly reason: string
}

const refused = (reason: string): Meaning => ({ code: 'failed-precondition', reason })
const internal = (reason: string): Meaning => ({ code: 'internal', reason })

/** What it means that a step failed, when its errno does not say more. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  [LaunchStep.PLAN]: internal('BAD_PLAN'),
  [LaunchStep.STATE]: internal('STATE_DIRECTORY'),
  [LaunchStep.CGROUP]: refused('CGROUP_SETUP'),
  [LaunchStep.NAMESPACE]: refused('NAMESPACE_SETUP'),
  [LaunchStep.ROOT]: refused('ROOT_SETUP'),
  [LaunchStep.MOUNT]: refused('MOUNT_FAILED'),
  [LaunchStep.UNSAFE]: refused('UNSAFE_CONTENT'),
  [LaunchStep.DEVICE]: refused('DEVICE_SETUP'),
  [LaunchStep.SYSCTL]: refused('SYSCTL_REFUSED'),
  [LaunchStep.USER]: { code: 'invalid-argument', reason: 'NO_SUCH_USER' },
  [LaunchStep.CWD]: refused('WORKING_DIR'),
  [LaunchStep.RLIMIT]: refused('RLIMIT_REFUSED'),
  [LaunchStep.CAPABILITY]: refused('CAPABILITY_REFUSED'),
  [LaunchStep.SECCOMP]: refused('SECCOMP_REFUSED'),
  [LaunchStep.STDIO]: internal('STDIO_SETUP'),
  [LaunchStep.TARGET]: refused('CONTAINER_NOT_RUNNING'),
  [LaunchStep.INTERNAL]: internal('MONITOR_INTERNAL'),
}

const { ENOENT, ENOSPC, EDQUOT, ENOMEM, EAGAIN, EMFILE, ENFILE, EPERM } = constants.errno

/** Errnos that say that the host has run out of something, at whatever step. */
const EXHAUSTED: ReadonlyMap<number, Meaning> = new Map([
  [ENOSPC, { code: 'resource-exhausted', reason: 'NO_SPACE' }],
  [EDQUOT, { code: 'resource-exhausted', reason: 'NO_SPACE' }],
  [ENOMEM, { code: 'resource-exhausted', reason: 'NO_MEMORY' }],
  [EAGAIN, { code: 'resource-exhausted', reason: 'NO_PROCESSES' }],
  [EMFILE, { code: 'unavailable', reason: 'NO_DESCRIPTORS' }],
  [ENFILE, { code: 'unavailable', reason: 'NO_DESCRIPTORS' }],
] as const)

/**
 * The typed error of a launch that failed. The message of the monitor names the file, path or program. `program` is the
 * first word of the command.
 */
export function launchError(id: string, program: string, { step, errno, message }: MonitorFailed): CaissonError {
  const { code, reason } = meaning(step, errno)
  const details = { container: id, ...(step === LaunchStep.EXEC && { program }) }
  return new CaissonError(code, describe(step, errno, message, program), { reason, details })
}

function meaning(step: number, errno: number): Meaning {
  if (step === LaunchStep.EXEC)
    return errno === ENOENT ? { code: 'not-found', reason: 'COMMAND_NOT_FOUND' } : refused('COMMAND_NOT_EXECUTABLE')
  if (step === LaunchStep.USER && errno === EPERM) return refused('ROOT_REFUSED')
  return EXHAUSTED.get(errno) ?? MEANINGS[step] ?? internal('MONITOR_INTERNAL')
}

function describe(step: number, errno: number, message: string, program: string): string {
  if (step !== LaunchStep.EXEC) return `the container cannot be started: ${message}${errnoText(errno)}`
  if (errno === ENOENT) return `the image has no program ${program}: check the command and PATH (${message})`
  return `the program ${program} cannot be run: ${message}${errnoText(errno)}`
}

/** ": no such file or directory (ENOENT)" */
function errnoText(errno: number): string {
  if (errno <= 0) return ''
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'system error']
  return `: ${text} (${name})`
}
