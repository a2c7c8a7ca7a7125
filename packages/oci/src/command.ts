import { DEFAULT_PATH, mergeEnvironment } from './environment.ts'
import { OciFormatError } from './format-error.ts'
import type { ContainerDefaults } from './image-config.ts'
import { parseSignal } from './signal.ts'

/** What a request says about the program; what it leaves out is the image's. */
export interface CommandOverrides {
  /** [] takes the image's entrypoint away; [''] its cmd as well. */
  readonly entrypoint?: readonly string[]
  /** [] is the same as none. */
  readonly cmd?: readonly string[]
  /** NAME=value, or NAME alone to take a variable away. */
  readonly env?: readonly string[]
  readonly user?: string
  readonly workingDir?: string
  readonly stopSignal?: string
}

/** What a container runs. */
export interface Command {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly user: string
  /** Absolute. */
  readonly workingDir: string
  /** A signal's number. */
  readonly stopSignal: number
}

const SIGTERM = 15

type ImageCommand = Pick<ContainerDefaults, 'entrypoint' | 'cmd' | 'env' | 'user' | 'workingDir' | 'stopSignal'>

/**
 * Puts image and request together by Docker's rules: an entrypoint of the request makes the image's cmd void, a cmd of
 * the request replaces the image's, and the program is the entrypoint followed by the cmd.
 * Throws COMMAND_MISSING when nothing is left to run, WORKING_DIR_INVALID, SIGNAL_INVALID.
 */
export function mergeCommand(image: ImageCommand, overrides: CommandOverrides = {}): Command {
  const args = mergeArgs(image, overrides)
  if (args.length === 0) {
    const message = 'neither the image nor the request names a command: give one, such as "sh"'
    throw new OciFormatError('COMMAND_MISSING', 'command', message)
  }
  return {
    args,
    env: mergeEnvironment([DEFAULT_PATH], image.env, overrides.env ?? []),
    user: given(overrides.user) ?? image.user,
    workingDir: checkWorkingDir(given(overrides.workingDir) ?? given(image.workingDir) ?? '/'),
    stopSignal: stopSignalOf(given(overrides.stopSignal) ?? given(image.stopSignal)),
  }
}

function mergeArgs(image: ImageCommand, { entrypoint, cmd = [] }: CommandOverrides): string[] {
  const isReset = entrypoint?.length === 1 && entrypoint[0] === ''
  if (entrypoint !== undefined && entrypoint.length > 0) return [...(isReset ? [] : entrypoint), ...cmd]
  const rest = cmd.length > 0 ? cmd : image.cmd
  return entrypoint === undefined ? [...image.entrypoint, ...rest] : [...rest]
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

const stopSignalOf = (text: string | undefined): number => (text === undefined ? SIGTERM : parseSignal(text))

function checkWorkingDir(path: string): string {
  if (path.startsWith('/') && !path.includes('\0')) return path
  const message = `the working directory ${JSON.stringify(path.slice(0, 80))} is not an absolute path`
  throw new OciFormatError('WORKING_DIR_INVALID', path.slice(0, 80), message)
}
