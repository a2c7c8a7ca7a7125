import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Range, Word } from '../lex/position.ts'
import { didYouMean } from '../suggest.ts'
import { splitCsv } from '../words/csv.ts'

/** A --mount as written: its values may hold variables. */
export interface MountFlag {
  readonly range: Range
  readonly fields: readonly MountField[]
}

export interface MountField {
  /** One name for each meaning: "target" for dst and destination. */
  readonly key: MountKey
  /** As written, for messages. */
  readonly written: string
  readonly value?: string
}

export type MountKey =
  | 'type'
  | 'from'
  | 'source'
  | 'target'
  | 'readonly'
  | 'readwrite'
  | 'id'
  | 'sharing'
  | 'required'
  | 'size'
  | 'mode'
  | 'uid'
  | 'gid'
  | 'env'

const KEYS: Readonly<Record<string, MountKey>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readwrite',
  rw: 'readwrite',
  id: 'id',
  sharing: 'sharing',
  required: 'required',
  size: 'size',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
}
const MAY_STAND_ALONE: ReadonlySet<MountKey> = new Set(['readonly', 'readwrite', 'required'])

/** Cuts `type=cache,target=/x` into its fields. Throws MOUNT_INVALID. */
export function parseMountFlag(flag: Word): MountFlag {
  const parts = splitCsv(flag.text)
  if (parts === undefined) throw mountError(flag, 'its quotes do not fit; quote whole fields only')
  return { range: flag.range, fields: parts.map((part) => readField(flag, part)) }
}

/** The stage or image that a mount comes from; it is never expanded. */
export function mountFrom(mount: MountFlag): Word | undefined {
  const value = mount.fields.findLast(({ key }) => key === 'from')?.value
  return value === undefined || value === '' ? undefined : { text: value, range: mount.range }
}

export function mountError(mount: { readonly range: Range }, why: string): DockerfileError {
  return new DockerfileError('MOUNT_INVALID', `this mount cannot be made: ${why}`, mount.range)
}

function readField(flag: Word, part: string): MountField {
  const equals = part.indexOf('=')
  const written = (equals < 0 ? part : part.slice(0, equals)).toLowerCase()
  const key = Object.hasOwn(KEYS, written) ? KEYS[written] : undefined
  if (key === undefined) {
    throw mountError(flag, `it has the key ${shown(written)}, which none has${didYouMean(written, Object.keys(KEYS))}`)
  }
  if (equals < 0) {
    if (MAY_STAND_ALONE.has(key)) return { key, written }
    throw mountError(flag, `${written} has no value; write ${written}=...`)
  }
  const value = part.slice(equals + 1)
  if (key === 'from' && /\$./.test(value)) throw mountError(flag, fromRule('from'))
  return { key, written, value }
}

/** Why a reference to a stage may hold no variable. */
export function fromRule(name: string): string {
  return `${name} takes no variables; give the image a name with FROM image AS name, where they may stand`
}
