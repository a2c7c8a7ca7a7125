import { type CaissonError, invalid } from '@caisson/api/error'

/** A value on the command line that cannot be read: names the value and says what it should look like. */
export function refuse(what: string, value: string, wanted: string): CaissonError {
  return invalid(`${what}: '${value}' ${wanted}`, { reason: 'USAGE', details: { value } })
}
