import type { CaissonError } from '@caisson/api/error'
import { exitCodeOfError } from './exit-code.ts'
import type { Output } from './output/output.ts'
import { printableLines } from './output/printable.ts'

/** What to do about a reason, where the message itself does not say it. */
const HINTS: Readonly<Record<string, string>> = {
  CONTAINER_NOT_FOUND: "'caisson ps -a' lists the containers",
  IMAGE_NOT_FOUND:
    "'caisson images' lists the images; 'caisson pull', 'caisson load' and 'caisson import' bring in more",
  NETWORK_NOT_FOUND: "'caisson network ls' lists the networks, and 'caisson network create' makes one",
  SANDBOX_NOT_FOUND: 'a container is on its networks while it runs: start it first',
  COMMAND_NOT_FOUND: 'the program must exist inside the image, in its PATH or under its absolute path',
  COMMAND_NOT_EXECUTABLE: "check the program's permissions and format inside the image",
  AMBIGUOUS_ID: 'give more digits of the id',
  NO_SPACE: "'caisson rm' and 'caisson image rm' free space",
  UNIMPLEMENTED: 'this version cannot do it yet',
}

/** Tells of an error on standard error, and returns the exit code. */
export function reportFailure(error: CaissonError, out: Output, debug: boolean): number {
  const exitCode = exitCodeOfError(error)
  if (out.json) {
    const { code, reason, message, details } = error
    out.note(JSON.stringify({ error: { code, reason, message, details, exitCode } }))
    return exitCode
  }
  out.note(`${out.colors.red('caisson:')} ${printableLines(error.message)}`)
  const hint = HINTS[error.reason]
  if (hint !== undefined) out.note(`  ${out.colors.dim('hint:')} ${hint}`)
  if (debug) for (const line of insides(error)) out.note(out.colors.dim(printableLines(line)))
  return exitCode
}

function insides(error: CaissonError): string[] {
  const details = Object.entries(error.details).map(([key, value]) => `  ${key}: ${value}`)
  const causes: string[] = []
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    causes.push(`  caused by: ${cause.stack ?? cause.message}`)
  return [`  code: ${error.code}, reason: ${error.reason}`, ...details, `  ${error.stack ?? ''}`, ...causes]
}
