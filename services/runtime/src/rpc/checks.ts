import { posix } from 'node:path'
import { type CaissonError, invalid, unimplemented } from '@caisson/api'

/** Checks of what comes over the wire. Errors name the field as the contract does. */

const MAX_TEXT = 131_071
const MAX_PATH = 4_095
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const ID = /^[0-9a-f]{64}$/
const LABEL_LIMIT = 1_000
const LABELS_BYTES = 256 << 10

export function wrong(field: string, why: string): CaissonError {
  return invalid(`${field}: ${why}`, { reason: 'INVALID_FIELD', details: { field } })
}

/** A part of the contract that this version does not do is refused, never left out. */
export function refuse(field: string, isAsked: boolean): void {
  if (isAsked)
    throw unimplemented(`${field} is not done by this version: leave it out`, {
      reason: 'UNIMPLEMENTED_FIELD',
      details: { field },
    })
}

/** Name of a container. */
export function containerName(field: string, value: string): string {
  if (ID.test(value)) throw wrong(field, 'a name cannot look like an id')
  if (!NAME.test(value))
    throw wrong(field, `${shown(value)} is no name: letters, digits, and _.- inside, at most 128 of them`)
  return value
}

/** What people call a container: an id, a prefix or a name. */
export function reference(field: string, value: string): string {
  if (!NAME.test(value)) throw wrong(field, `${shown(value)} is neither an id nor a name of a container`)
  return value
}

export function text(field: string, value: string, most: number = MAX_TEXT): string {
  if (value.includes('\0')) throw wrong(field, 'it holds a NUL byte')
  if (Buffer.byteLength(value) > most) throw wrong(field, `it has more than ${most} bytes`)
  return value
}

export function texts(field: string, values: readonly string[], most = 32_768): readonly string[] {
  atMost(field, values, most)
  for (const [index, value] of values.entries()) text(`${field}[${index}]`, value)
  return values
}

export function atMost(field: string, values: readonly unknown[], most: number): void {
  if (values.length > most) throw wrong(field, `${values.length} entries are too many: at most ${most}`)
}

/** An absolute path, as it was given. */
export function absolutePath(field: string, value: string): string {
  text(field, value, MAX_PATH)
  if (!value.startsWith('/')) throw wrong(field, `${shown(value)} is not an absolute path`)
  return value
}

/** An absolute path of the container without "." and "..", that is not the root. */
export function innerPath(field: string, value: string): string {
  const path = posix.normalize(absolutePath(field, value)).replace(/(?<=.)\/$/, '')
  if (path === '/') throw wrong(field, 'the root is the image')
  return path
}

export function within(field: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw wrong(field, `${value} is not a whole number from ${least} to ${most}`)
}

/** A number that may be absent. */
export function optionalWithin(
  field: string,
  value: number | undefined,
  least: number,
  most: number,
): number | undefined {
  return value === undefined ? undefined : within(field, value, least, most)
}

/** Names to text: labels, annotations. */
export function dictionary(field: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(values)
  atMost(field, entries, LABEL_LIMIT)
  let bytes = 0
  for (const [name, value] of entries) {
    if (name === '' || name.includes('=')) throw wrong(field, `${shown(name)} is no name: not empty and without =`)
    bytes += Buffer.byteLength(text(field, name, 1_024)) + Buffer.byteLength(text(field, value))
  }
  if (bytes > LABELS_BYTES) throw wrong(field, `all names and values together have more than ${LABELS_BYTES} bytes`)
  return values
}

export function oneOf<T extends string>(field: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw wrong(field, `${shown(value)} is none of ${choices.join(', ')}`)
  return found
}

export function shown(value: string): string {
  return JSON.stringify(value.slice(0, 80))
}

/** An object without its undefined properties: for types where absent means absent. */
export function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
