import { type Mount, MountKind } from '@caisson/api/container'
import type { BindSpec, MountSpec, TmpfsSpec } from '../container/spec.ts'
import { absolutePath, atMost, innerPath, oneOf, refuse, within, wrong } from './checks.ts'

const MAX_MOUNTS = 1_000
const DEFAULT_TMPFS_MODE = 0o1777
const OPTIONS = ['nosuid', 'suid', 'nodev', 'noexec', 'exec', 'noatime'] as const

/** Mounts as the domain trusts them, in their order. */
export function mountsIn(mounts: readonly Mount[]): MountSpec[] {
  atMost('spec.mounts', mounts, MAX_MOUNTS)
  const targets = new Set<string>()
  return mounts.map((mount, index) => {
    const field = `spec.mounts[${index}]`
    const target = innerPath(`${field}.target`, mount.target)
    if (targets.has(target)) throw wrong(`${field}.target`, `something is mounted at ${target} already`)
    targets.add(target)
    return mountIn(field, mount, target)
  })
}

function mountIn(field: string, mount: Mount, target: string): MountSpec {
  refuse(`${field}.kind`, mount.kind === MountKind.VOLUME || mount.kind === MountKind.IMAGE)
  refuse(`${field}.subpath`, mount.subpath !== '')
  refuse(`${field}.labels`, Object.keys(mount.labels).length > 0)
  refuse(`${field}.driver`, mount.driver !== '')
  refuse(`${field}.no_copy`, mount.noCopy)
  if (mount.kind === MountKind.BIND) return bindIn(field, mount, target)
  if (mount.kind === MountKind.TMPFS) return tmpfsIn(field, mount, target)
  throw wrong(`${field}.kind`, 'it is missing')
}

function bindIn(field: string, mount: Mount, target: string): BindSpec {
  refuse(`${field}.owner`, mount.owner !== '')
  const propagation = mount.propagation === '' ? 'rprivate' : mount.propagation
  refuse(`${field}.propagation`, ['shared', 'rshared'].includes(propagation))
  if (mount.sizeBytes !== 0) throw wrong(`${field}.size_bytes`, 'only a tmpfs has a size')
  if (mount.mode !== 0) throw wrong(`${field}.mode`, 'only a tmpfs has a mode')
  return {
    kind: 'bind',
    source: absolutePath(`${field}.source`, mount.source),
    target,
    readOnly: mount.readOnly,
    propagation: oneOf(`${field}.propagation`, propagation, ['private', 'rprivate', 'slave', 'rslave']),
    recursive: !mount.nonRecursive,
    createSource: mount.createSource,
    options: optionsIn(field, mount.options),
  }
}

function tmpfsIn(field: string, mount: Mount, target: string): TmpfsSpec {
  if (mount.source !== '') throw wrong(`${field}.source`, 'a tmpfs has no source')
  if (mount.propagation !== '') throw wrong(`${field}.propagation`, 'only a bind has a propagation')
  if (mount.createSource) throw wrong(`${field}.create_source`, 'a tmpfs has no source')
  return {
    kind: 'tmpfs',
    target,
    readOnly: mount.readOnly,
    sizeBytes: within(`${field}.size_bytes`, mount.sizeBytes, 0, Number.MAX_SAFE_INTEGER),
    mode: mount.mode === 0 ? DEFAULT_TMPFS_MODE : within(`${field}.mode`, mount.mode, 0, 0o7777),
    options: optionsIn(field, mount.options),
  }
}

function optionsIn(field: string, options: readonly string[]): readonly string[] {
  atMost(`${field}.options`, options, 16)
  return options.map((option, index) => oneOf(`${field}.options[${index}]`, option, OPTIONS))
}
