import { constants } from 'node:os'
import type { CaissonError } from '@caisson/api/error'

export const EXIT_OK = 0
export const EXIT_ENGINE = 125
export const EXIT_NOT_EXECUTABLE = 126
export const EXIT_NOT_FOUND = 127

/** The one table from reasons to exit codes of their own; everything else that fails is the engine's. */
const BY_REASON: Readonly<Record<string, number>> = {
  COMMAND_NOT_EXECUTABLE: EXIT_NOT_EXECUTABLE,
  COMMAND_NOT_FOUND: EXIT_NOT_FOUND,
}

/** The exit code of a command that failed with an error. */
export function exitCodeOfError(error: CaissonError): number {
  return BY_REASON[error.reason] ?? EXIT_ENGINE
}

/** The exit code of a command that a signal ended: 128 + its number. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The exit code that stands for how a container or an exec ended. What nobody can know is the engine's failure. */
export function exitCodeOfStatus(status: { readonly exitCode: number; readonly signal: number }): number {
  if (status.exitCode >= 0 && status.exitCode <= 255) return status.exitCode
  if (status.signal > 0) return 128 + status.signal
  return EXIT_ENGINE
}
