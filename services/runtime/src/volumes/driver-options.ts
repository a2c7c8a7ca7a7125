import { failedPrecondition, invalid } from '@caisson/api'
import type { VolumeDriver } from './volume.ts'

/** Where the content of a volume is kept, as its driver and options say. */
export type Backing =
  /** A directory of the engine. */
  | { readonly kind: 'directory' }
  /** A directory of the host, which is not the engine's to remove. */
  | { readonly kind: 'host'; readonly path: string; readonly readOnly: boolean }
  /** Memory, with options of tmpfs. */
  | { readonly kind: 'tmpfs'; readonly options: readonly string[] }

interface Asked {
  readonly driver: VolumeDriver
  readonly options: Readonly<Record<string, string>>
  readonly quotaBytes: number
}

const TMPFS: Readonly<Record<string, RegExp>> = {
  size: /^\d{1,15}[kmgKMG%]?$/,
  nr_inodes: /^\d{1,12}[kmgKMG]?$/,
  mode: /^[0-7]{1,4}$/,
  uid: /^\d{1,5}$/,
  gid: /^\d{1,5}$/,
}
const BIND_WORDS: ReadonlySet<string> = new Set(['bind', 'rbind', 'rw', 'ro'])

/** Reads the options of a volume. VOLUME_OPTION_UNSUPPORTED for what cannot be kept; QUOTA_UNSUPPORTED. */
export function backingOf({ driver, options, quotaBytes }: Asked): Backing {
  if (driver === 'tmpfs') return tmpfs(Object.entries(options), quotaBytes)
  if (quotaBytes > 0 && options['type'] !== 'tmpfs')
    throw failedPrecondition(
      'QUOTA_UNSUPPORTED',
      'a volume on disk has no quota in this version: leave it out, or use the driver tmpfs',
    )
  const { type = '', o = '', device = '', ...others } = options
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refused(unknown, 'the driver local has type, o and device')
  if (type === '' && o === '' && device === '') return { kind: 'directory' }
  const words = o.split(',').filter(Boolean)
  if (type === 'tmpfs') return tmpfs(words.map(pair), quotaBytes)
  if (words.includes('bind') || words.includes('rbind')) return bind(type, words, device)
  throw refused(
    'type',
    `${JSON.stringify(type.slice(0, 40))} is not mounted by this version: mount it on the host, and use type=none, o=bind ` +
      'with that directory as the device',
  )
}

function bind(type: string, words: readonly string[], device: string): Backing {
  if (!['', 'none', 'bind'].includes(type)) throw refused('type', 'a bind has the type none')
  const unknown = words.find((word) => !BIND_WORDS.has(word))
  if (unknown !== undefined) throw refused('o', `${JSON.stringify(unknown.slice(0, 40))} is no option of a bind`)
  if (!device.startsWith('/') || device.includes('\0') || device.split('/').includes('..'))
    throw refused('device', 'a bind needs an absolute directory of the host without ".."')
  return { kind: 'host', path: device, readOnly: words.includes('ro') }
}

function tmpfs(entries: readonly (readonly [string, string])[], quotaBytes: number): Backing {
  const options = new Map(quotaBytes > 0 ? [['size', String(quotaBytes)]] : [])
  for (const [name, value] of entries) {
    const form = Object.hasOwn(TMPFS, name) ? TMPFS[name] : undefined
    if (!form?.test(value)) throw refused(name, `tmpfs has ${Object.keys(TMPFS).join(', ')} with numbers`)
    options.set(name, value)
  }
  return { kind: 'tmpfs', options: [...options].map(([name, value]) => `${name}=${value}`) }
}

function pair(word: string): readonly [string, string] {
  const at = word.indexOf('=')
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
}

function refused(option: string, why: string): Error {
  return invalid(`the option ${JSON.stringify(option.slice(0, 40))} of the volume cannot be kept: ${why}`, {
    reason: 'VOLUME_OPTION_UNSUPPORTED',
    details: { option: option.slice(0, 40) },
  })
}
