import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import type { Statement } from '../lex/statement.ts'
import { readCommandLine } from './command-line.ts'
import { Flags } from './flags.ts'
import type { RunInstruction } from './instruction.ts'
import { type MountFlag, parseMountFlag } from './mount.ts'
import { resolveMount } from './resolve-mount.ts'
import { baseOf, missing, requireArguments } from './statement-parts.ts'

const FLAGS = { mount: 'values', network: 'value', security: 'value' } as const

/** `RUN [flags] command`. Throws ARGUMENT_MISSING, FLAG_INVALID, MOUNT_INVALID. */
export function parseRun(statement: Statement): RunInstruction {
  const flags = Flags.read(statement, FLAGS)
  requireArguments(statement, 'a command')
  const network = oneOf(flags.value('network'), 'network', ['default', 'none', 'host'])
  const security = oneOf(flags.value('security'), 'security', ['sandbox', 'insecure'])
  const line = readCommandLine(statement.args)
  if (line.command.form === 'exec' && line.command.args.length === 0) throw missing(statement, 'a command')
  return {
    ...baseOf(statement),
    name: 'RUN',
    ...line,
    mounts: flags.values('mount').map(readMount),
    heredocs: statement.heredocs,
    ...(network !== undefined && { network }),
    ...(security !== undefined && { security }),
  }
}

/** Values that nothing is to be expanded in are checked now, so that what is wrong shows early. */
function readMount(flag: Word): MountFlag {
  const mount = parseMountFlag(flag)
  if (!/[$"'`\\]/.test(flag.text)) resolveMount(mount, (text) => text, '/')
  return mount
}

function oneOf<T extends string>(value: Word | undefined, name: string, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((item) => item === value.text)
  if (found !== undefined) return found
  const message = `--${name} is ${shown(value.text)}; it is one of ${allowed.join(', ')}`
  throw new DockerfileError('FLAG_INVALID', message, value.range)
}
