import type { Context } from './context.ts'
import type { OptionValues } from './option-values.ts'

/** An option of a command, as commander writes flags: '-m, --memory <size>'. */
export interface OptionSpec {
  readonly flags: string
  readonly help: string
  /** May be given more than once. */
  readonly many?: boolean
  /** A value that is used when the option stands without one. */
  readonly preset?: string
}

export interface Example {
  readonly command: string
  readonly shows: string
}

export interface ExitCode {
  readonly code: string
  readonly means: string
}

export type CommandGroup = 'Engine' | 'Containers' | 'Images' | 'Networks' | 'Volumes' | 'Registry' | 'Help'

/** Does what a command is for. Returns the exit code; nothing is 0. */
export type Action = (context: Context, args: readonly string[], options: OptionValues) => Promise<number | undefined>

/** A command as data: the parser, the help and the documentation are made from it. */
export interface CommandSpec {
  /** Its name; 'image rm' is `rm` below `image`. */
  readonly name: string
  readonly aliases?: readonly string[]
  readonly group: CommandGroup
  /** Positional arguments: '<image> [command...]'. */
  readonly args?: string
  readonly summary: string
  readonly description: string
  readonly options?: readonly OptionSpec[]
  /** Options end at the first positional argument: what follows belongs to the command that is run. */
  readonly passThrough?: boolean
  readonly examples: readonly Example[]
  /** Exit codes beyond 0 and 125. */
  readonly exitCodes?: readonly ExitCode[]
  /** Not shown in lists. */
  readonly hidden?: boolean
  /** Loads the code of the command. */
  readonly load: () => Promise<Action>
}

/** Options that every command has, before or behind its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--root <dir>',
    help: 'keep the whole engine below this directory (also: CAISSON_ROOT; default: the system places)',
  },
  { flags: '--format <format>', help: 'table or json' },
  { flags: '--debug', help: 'tell more about errors' },
  { flags: '--no-color', help: 'no colours (also: NO_COLOR)' },
]

/** Exit codes that every command has. */
export const EXIT_CODES: readonly ExitCode[] = [
  { code: '0', means: 'success' },
  { code: '125', means: 'the engine or the command line refused: the message on standard error says why' },
]
