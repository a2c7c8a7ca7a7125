/** Of a container whose image sets none. */
export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The name of "NAME=value" or "NAME". */
export function variableName(variable: string): string {
  const equals = variable.indexOf('=')
  return equals < 0 ? variable : variable.slice(0, equals)
}

/**
 * Lists of NAME=value, later ones over earlier ones; a variable keeps the place where it stood first. A NAME without a
 * value takes the variable away.
 */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const variables = new Map<string, string>()
  for (const variable of lists.flat()) {
    const name = variableName(variable)
    if (variable === name) variables.delete(name)
    else variables.set(name, variable)
  }
  return [...variables.values()]
}
