import { invalid } from '../refusal.ts'
import { MOUNT_FLAG } from './plan-format.ts'

/** Options of a mount of the runtime spec, as the launch plan has them. */
export interface MountOptions {
  /** MOUNT_FLAG bits. */
  readonly flags: number
  readonly isBind: boolean
  /** Of a bind: whether mounts of the host appear in it, or also the other way round. Absent: neither. */
  readonly propagation?: 'slave' | 'shared'
  /** Of a bind: part of the source, resolved inside of it. '': all. */
  readonly subpath: string
  /** What is left for the file system: "size=64m", "mode=1777". */
  readonly data: readonly string[]
}

type Change = readonly [kind: 'set' | 'clear', flag: number]

const { readOnly, noSuid, noDev, noExec, noAtime, noSymFollow, recursive, idmap } = MOUNT_FLAG

const PLAIN: Readonly<Record<string, Change>> = {
  ro: ['set', readOnly],
  rw: ['clear', readOnly],
  nosuid: ['set', noSuid],
  suid: ['clear', noSuid],
  nodev: ['set', noDev],
  dev: ['clear', noDev],
  noexec: ['set', noExec],
  exec: ['clear', noExec],
  noatime: ['set', noAtime],
  atime: ['clear', noAtime],
  relatime: ['clear', noAtime],
  strictatime: ['clear', noAtime],
  nosymfollow: ['set', noSymFollow],
  symfollow: ['clear', noSymFollow],
}

/** The same with an r in front, for all mounts below as well: what a recursive bind does with every attribute. */
const CHANGES: ReadonlyMap<string, Change> = new Map([
  ...Object.entries(PLAIN),
  ...Object.entries(PLAIN).map(([name, change]) => [`r${name}`, change] as const),
  ['idmap', ['set', idmap]],
  ['ridmap', ['set', idmap | recursive]],
])

/** Accepted, and of no effect: they are the default, or mean nothing for the mounts of a container. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['defaults', 'async', 'loud', 'silent', 'iversion', 'noiversion', 'mand', 'nomand', 'nolazytime', 'bind'],
  ...['diratime', 'nodiratime', 'rdiratime', 'rnodiratime', 'norelatime', 'rnorelatime', 'nostrictatime'],
  ...['rnostrictatime', 'private', 'rprivate'],
])

/** Flags of the super block: the file system takes them, a bind has none of its own. */
const OF_SUPER_BLOCK: ReadonlySet<string> = new Set(['sync', 'dirsync', 'lazytime'])

const PROPAGATION: ReadonlyMap<string, 'slave' | 'shared'> = new Map([
  ...[['slave', 'slave'] as const, ['rslave', 'slave'] as const],
  ...[['shared', 'shared'] as const, ['rshared', 'shared'] as const],
])

const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ...['unbindable', 'runbindable'].map((name) => [name, 'mounts of a container are private, slave or shared'] as const),
  ['remount', 'a mount is made with its options; put them there'],
  ['tmpcopyup', 'copy the files into a volume instead'],
])

/** Of this engine: the runtime spec has no such option. */
const SUBPATH = 'subpath='

const DATA = /^[A-Za-z0-9_.+-]+(?:=[^\0\n]*)?$/

/** Sorts a mount's options. Throws MOUNT_OPTION_INVALID for one that cannot be kept. */
export function parseMountOptions(target: string, type: string, options: readonly string[]): MountOptions {
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind')
  let flags = options.includes('rbind') ? recursive : 0
  let propagation: MountOptions['propagation']
  let subpath = ''
  const data: string[] = []
  for (const option of options) {
    const change = CHANGES.get(option)
    if (change !== undefined) flags = change[0] === 'set' ? flags | change[1] : flags & ~change[1]
    else if (option === 'rbind' || WITHOUT_EFFECT.has(option)) continue
    else if (isBind && option.startsWith(SUBPATH)) subpath = option.slice(SUBPATH.length)
    else if (isBind && PROPAGATION.has(option)) propagation = PROPAGATION.get(option)
    else if (UNSUPPORTED.has(option)) throw refused(target, option, UNSUPPORTED.get(option) ?? '')
    else if (isBind && OF_SUPER_BLOCK.has(option)) continue
    else if (isBind) throw refused(target, option, 'a bind mount has no such option')
    else if (DATA.test(option)) data.push(option)
    else throw refused(target, option, 'expected a name, or name=value')
  }
  return { flags, isBind, subpath, data, ...(propagation && { propagation }) }
}

function refused(target: string, option: string, why: string): Error {
  const shown = JSON.stringify(option.slice(0, 60))
  return invalid('MOUNT_OPTION_INVALID', target, `the option ${shown} of the mount at ${target} cannot be kept: ${why}`)
}
