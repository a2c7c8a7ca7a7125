import { homedir } from 'node:os'
import { isAbsolute, posix, resolve } from 'node:path'
import type { Partially } from '@caisson/api'
import { type Mount, MountKind } from '@caisson/api/container'
import { parseInteger, parseSize } from './numbers.ts'
import { refuse } from './refusal.ts'

type MountDraft = Partially<Mount>

const PROPAGATIONS = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']

/** -v [SOURCE:]TARGET[:OPTIONS]: a source with a slash is a path of the host, without one the name of a volume. */
export function parseVolume(value: string): MountDraft {
  const parts = value.split(':')
  const [first = '', second, third] = parts
  if (parts.length > 3) throw refuse('--volume', value, 'has too many colons: write it as source:target:options')
  if (second === undefined) return { kind: MountKind.VOLUME, target: absolute('--volume', value, first) }
  const target = absolute('--volume', value, second)
  const options = third === undefined ? [] : third.split(',')
  let mount: MountDraft = /^[./~]/.test(first)
    ? { kind: MountKind.BIND, source: hostPath(first), target, createSource: true }
    : { kind: MountKind.VOLUME, source: volumeName(value, first), target }
  for (const option of options) mount = volumeOption(value, mount, option)
  return mount
}

function volumeOption(value: string, mount: MountDraft, option: string): MountDraft {
  if (option === 'ro' || option === 'rw') return { ...mount, readOnly: option === 'ro' }
  if (option === 'nocopy') return { ...mount, noCopy: true }
  if (PROPAGATIONS.includes(option)) return { ...mount, propagation: option }
  throw refuse(
    '--volume',
    value,
    `has the unknown option '${option}': there are ro, rw, nocopy and ${PROPAGATIONS.join(', ')}`,
  )
}

/** --tmpfs TARGET[:OPTIONS], of which size= and mode= are read and the rest is handed on. */
export function parseTmpfs(value: string): MountDraft {
  const at = value.indexOf(':')
  const target = absolute('--tmpfs', value, at < 0 ? value : value.slice(0, at))
  let mount: MountDraft = { kind: MountKind.TMPFS, target }
  for (const option of at < 0 ? [] : value.slice(at + 1).split(',')) mount = tmpfsOption(mount, option)
  return mount
}

function tmpfsOption(mount: MountDraft, option: string): MountDraft {
  const [key, setting] = split(option)
  if (key === 'size' && setting !== undefined) return { ...mount, sizeBytes: parseSize('--tmpfs: size', setting) }
  if (key === 'mode' && setting !== undefined) return { ...mount, mode: octal('--tmpfs', setting) }
  if (option === 'ro' || option === 'rw') return { ...mount, readOnly: option === 'ro' }
  return { ...mount, options: [...(mount.options ?? []), option] }
}

const KINDS: Readonly<Record<string, MountKind>> = {
  bind: MountKind.BIND,
  volume: MountKind.VOLUME,
  tmpfs: MountKind.TMPFS,
  image: MountKind.IMAGE,
}

type Setter = (mount: MountDraft, setting: string, value: string) => MountDraft

const KEYS: Readonly<Record<string, Setter>> = {
  type: (mount, setting, value) => {
    const kind = KINDS[setting]
    if (kind === undefined)
      throw refuse('--mount', value, `has an unknown type: there are ${Object.keys(KINDS).join(', ')}`)
    return { ...mount, kind }
  },
  source: (mount, setting) => ({ ...mount, source: setting }),
  target: (mount, setting, value) => ({ ...mount, target: absolute('--mount', value, setting) }),
  readonly: (mount, setting, value) => ({ ...mount, readOnly: truth(value, setting) }),
  'bind-propagation': (mount, setting, value) => {
    if (!PROPAGATIONS.includes(setting))
      throw refuse('--mount', value, `has an unknown propagation: there are ${PROPAGATIONS.join(', ')}`)
    return { ...mount, propagation: setting }
  },
  'bind-nonrecursive': (mount, setting, value) => ({ ...mount, nonRecursive: truth(value, setting) }),
  'bind-create-src': (mount, setting, value) => ({ ...mount, createSource: truth(value, setting) }),
  owner: (mount, setting) => ({ ...mount, owner: setting }),
  'volume-nocopy': (mount, setting, value) => ({ ...mount, noCopy: truth(value, setting) }),
  'volume-subpath': (mount, setting) => ({ ...mount, subpath: setting }),
  'image-subpath': (mount, setting) => ({ ...mount, subpath: setting }),
  'volume-driver': (mount, setting) => ({ ...mount, driver: setting }),
  'volume-label': (mount, setting) => {
    const [key, label = ''] = split(setting)
    return { ...mount, labels: { ...mount.labels, [key]: label } }
  },
  'volume-opt': (mount, setting, value) => {
    const [key, option] = split(setting)
    if (option === undefined) throw refuse('--mount', value, 'has a volume-opt that is not NAME=value')
    return { ...mount, driverOptions: { ...mount.driverOptions, [key]: option } }
  },
  'tmpfs-size': (mount, setting) => ({ ...mount, sizeBytes: parseSize('--mount: tmpfs-size', setting) }),
  'tmpfs-mode': (mount, setting) => ({ ...mount, mode: octal('--mount', setting) }),
}
const SAME: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' }

/** --mount type=bind,source=/a,target=/b,readonly: keys as other container tools have them. */
export function parseMount(value: string): MountDraft {
  let mount: MountDraft = { kind: MountKind.VOLUME }
  for (const field of value.split(',')) mount = mountField(mount, field, value)
  if (!mount.target) throw refuse('--mount', value, 'has no target=')
  if (mount.kind === MountKind.BIND) {
    if (!mount.source) throw refuse('--mount', value, 'has no source=')
    return { ...mount, source: hostPath(mount.source) }
  }
  if (mount.kind === MountKind.TMPFS && mount.source)
    throw refuse('--mount', value, 'has a source=, which a tmpfs cannot have')
  return mount
}

function mountField(mount: MountDraft, field: string, value: string): MountDraft {
  const [key, setting = ''] = split(field)
  const set = KEYS[SAME[key] ?? key]
  if (!set) throw refuse('--mount', value, `has the unknown key '${key}': there are ${Object.keys(KEYS).join(', ')}`)
  return set(mount, setting, value)
}

function split(field: string): [key: string, setting: string | undefined] {
  const at = field.indexOf('=')
  return at < 0 ? [field, undefined] : [field.slice(0, at), field.slice(at + 1)]
}

/** Relative to where the user is; `~/` is the home, for shells that do not expand it behind -v. */
function hostPath(path: string): string {
  return path === '~' || path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(path)
}

function absolute(what: string, value: string, path: string): string {
  if (!isAbsolute(path)) throw refuse(what, value, `must lead to an absolute path in the container, not '${path}'`)
  return posix.normalize(path).replace(/(?<=.)\/$/, '')
}

function volumeName(value: string, name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return name
  throw refuse(
    '--volume',
    value,
    `names a volume of letters, digits and _.- or, with a / in front or ./, a path of the host`,
  )
}

function octal(what: string, text: string): number {
  if (!/^[0-7]{1,5}$/.test(text)) throw refuse(`${what}: mode`, text, 'is not a mode: write it as 1777')
  return parseInteger(what, String(Number.parseInt(text, 8)), 0, 0o7777)
}

function truth(value: string, setting: string): boolean {
  if (setting === '' || setting === 'true' || setting === '1') return true
  if (setting === 'false' || setting === '0') return false
  throw refuse('--mount', value, `has '${setting}' where true or false belongs`)
}
