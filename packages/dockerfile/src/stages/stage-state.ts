/** What instructions of a stage see, and what a stage based on it begins with. */
export interface StageState {
  /** ENV and ARG in one: whichever was set last holds. */
  readonly variables: ReadonlyMap<string, string>
  /** ARG without a value: known, but not set. */
  readonly unset: ReadonlySet<string>
  /** Absolute. */
  readonly workingDir: string
  /** What the shell form is put behind. */
  readonly shell: readonly string[]
}

/** What an image's configuration says of it. */
export interface BaseConfig {
  /** NAME=value */
  readonly env?: readonly string[]
  readonly workingDir?: string
  readonly shell?: readonly string[]
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Of a stage that begins with an image, or with nothing. */
export function initialState(config: BaseConfig = {}): StageState {
  const variables = new Map<string, string>()
  for (const variable of config.env ?? []) {
    const equals = variable.indexOf('=')
    if (equals > 0) variables.set(variable.slice(0, equals), variable.slice(equals + 1))
  }
  if (!variables.has('PATH')) variables.set('PATH', DEFAULT_PATH)
  return {
    variables,
    unset: new Set(),
    workingDir: config.workingDir === undefined || config.workingDir === '' ? '/' : config.workingDir,
    shell: config.shell === undefined || config.shell.length === 0 ? ['/bin/sh', '-c'] : config.shell,
  }
}
