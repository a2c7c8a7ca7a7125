import { posix } from 'node:path'
import { shown } from '../dockerfile-error.ts'
import { didYouMean } from '../suggest.ts'
import { parseByteSize } from '../words/byte-size.ts'
import { type MountFlag, type MountKey, mountError } from './mount.ts'

interface MountBase {
  readonly readOnly: boolean
}

interface Ownership {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

/** What RUN sees besides its root. Targets are absolute; `from` is a stage or image, absent for the context. */
export type Mount =
  | (MountBase & { readonly type: 'bind'; readonly from?: string; readonly source: string; readonly target: string })
  | (MountBase &
      Ownership & {
        readonly type: 'cache'
        /** The target's path where none was given. */
        readonly id: string
        readonly from?: string
        readonly source: string
        readonly target: string
        readonly sharing: 'shared' | 'private' | 'locked'
      })
  | (MountBase & { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number })
  | (MountBase &
      Ownership & {
        readonly type: 'secret'
        readonly id: string
        /** Absent when the secret is a variable only. */
        readonly target?: string
        readonly env?: string
        readonly required: boolean
      })
  | (MountBase &
      Ownership & { readonly type: 'ssh'; readonly id: string; readonly target?: string; readonly required: boolean })

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const
type MountType = (typeof TYPES)[number]
const SHARING = ['shared', 'private', 'locked'] as const

/** Keys that some types only have. */
const ONLY_FOR: Partial<Record<MountKey, readonly MountType[]>> = {
  mode: ['cache', 'secret', 'ssh'],
  uid: ['cache', 'secret', 'ssh'],
  gid: ['cache', 'secret', 'ssh'],
  size: ['tmpfs'],
  required: ['secret', 'ssh'],
  sharing: ['cache'],
  env: ['secret'],
  from: ['bind', 'cache', 'tmpfs', 'ssh'],
}

/** Reads a mount whose values are expanded. Throws MOUNT_INVALID. */
export function resolveMount(flag: MountFlag, expandValue: (text: string) => string, workingDir: string): Mount {
  const fields = new Fields(flag, expandValue)
  const target = fields.text('target')
  const absolute = target === undefined || target === '' ? undefined : posix.resolve('/', workingDir, target)
  if (absolute === '/') throw mountError(flag, 'its target is the root; choose a directory below it')
  switch (fields.type) {
    case 'secret':
      return secretMount(flag, fields, absolute)
    case 'ssh':
      return { ...sshFields(fields), ...(absolute !== undefined && { target: absolute }) }
    default:
      if (absolute === undefined) throw mountError(flag, 'it has no target; add target=/path')
      return directoryMount(fields, fields.type, absolute)
  }
}

function directoryMount(fields: Fields, type: 'bind' | 'cache' | 'tmpfs', target: string): Mount {
  const readOnly = fields.readOnly(type === 'bind')
  if (type === 'tmpfs') {
    const sizeBytes = fields.size()
    return { type, target, readOnly, ...(sizeBytes !== undefined && { sizeBytes }) }
  }
  const from = fields.text('from')
  const source = posix.join('/', fields.text('source') ?? '/')
  const common = { target, readOnly, source, ...(from !== undefined && from !== '' && { from }) }
  if (type === 'bind') return { type, ...common }
  return { type, ...common, ...fields.ownership(), id: given(fields.text('id')) ?? target, sharing: fields.sharing() }
}

function secretMount(flag: MountFlag, fields: Fields, target: string | undefined): Mount {
  const [id, source, env] = [given(fields.text('id')), given(fields.text('source')), given(fields.text('env'))]
  if (id !== undefined && source !== undefined) throw mountError(flag, 'id and source mean the same; keep one of them')
  const name = id ?? source ?? (target === undefined ? undefined : posix.basename(target))
  if (name === undefined) throw mountError(flag, 'it names no secret; add id=NAME')
  const path = target ?? (env === undefined ? `/run/secrets/${posix.basename(name)}` : undefined)
  return {
    type: 'secret',
    id: name,
    readOnly: fields.readOnly(true),
    required: fields.boolean('required') ?? false,
    ...fields.ownership(),
    ...(path !== undefined && { target: path }),
    ...(env !== undefined && { env }),
  }
}

function sshFields(fields: Fields) {
  return {
    type: 'ssh' as const,
    id: given(fields.text('id')) ?? given(fields.text('source')) ?? 'default',
    readOnly: fields.readOnly(true),
    required: fields.boolean('required') ?? false,
    ...fields.ownership(),
  }
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** The fields of one mount, by meaning; of several with one meaning the last holds. */
class Fields {
  readonly type: MountType
  readonly #flag: MountFlag
  readonly #values = new Map<MountKey, { written: string; value: string | undefined }>()

  constructor(flag: MountFlag, expandValue: (text: string) => string) {
    this.#flag = flag
    for (const { key, written, value } of flag.fields) {
      if (key === 'readonly' || key === 'readwrite') {
        this.#values.delete('readonly')
        this.#values.delete('readwrite')
      }
      this.#values.set(key, { written, value: value === undefined ? undefined : expandValue(value) })
    }
    this.type = this.#readType()
    this.#checkKeys()
  }

  text(key: MountKey): string | undefined {
    return this.#values.get(key)?.value
  }

  boolean(key: MountKey): boolean | undefined {
    const field = this.#values.get(key)
    if (field === undefined) return undefined
    if (field.value === undefined || /^(1|t|true)$/i.test(field.value)) return true
    if (/^(0|f|false)$/i.test(field.value)) return false
    throw mountError(this.#flag, `${field.written} is ${shown(field.value)}; write true or false`)
  }

  readOnly(byDefault: boolean): boolean {
    const writable = this.boolean('readwrite')
    return this.boolean('readonly') ?? (writable === undefined ? byDefault : !writable)
  }

  ownership(): Ownership {
    const [mode, uid, gid] = [this.#number('mode', 8), this.#number('uid', 10), this.#number('gid', 10)]
    return { ...(mode !== undefined && { mode }), ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }
  }

  sharing(): (typeof SHARING)[number] {
    const text = this.text('sharing')?.toLowerCase()
    if (text === undefined) return 'shared'
    const found = SHARING.find((mode) => mode === text)
    if (found !== undefined) return found
    throw mountError(this.#flag, `sharing is ${shown(text)}; it is one of ${SHARING.join(', ')}`)
  }

  size(): number | undefined {
    const text = this.text('size')
    if (text === undefined) return undefined
    const bytes = parseByteSize(text)
    if (bytes !== undefined) return bytes
    throw mountError(this.#flag, `size is ${shown(text)}; write one such as 64m`)
  }

  #number(key: 'mode' | 'uid' | 'gid', base: 8 | 10): number | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const number = (base === 8 ? /^[0-7]{1,11}$/ : /^[0-9]{1,10}$/).test(text) ? Number.parseInt(text, base) : -1
    if (number >= 0 && number < 2 ** 32) return number
    const kind = base === 8 ? 'an octal number such as 0400' : 'a number'
    throw mountError(this.#flag, `${key} is ${shown(text)}; write ${kind}`)
  }

  #readType(): MountType {
    const text = this.text('type')?.toLowerCase() ?? 'bind'
    const found = TYPES.find((type) => type === text)
    if (found !== undefined) return found
    throw mountError(
      this.#flag,
      `its type is ${shown(text)}${didYouMean(text, TYPES)}; it is one of ${TYPES.join(', ')}`,
    )
  }

  #checkKeys(): void {
    for (const [key, { written }] of this.#values) {
      const types = ONLY_FOR[key]
      if (types === undefined || types.includes(this.type)) continue
      throw mountError(this.#flag, `${written} is nothing that a mount of the type ${this.type} has`)
    }
  }
}
