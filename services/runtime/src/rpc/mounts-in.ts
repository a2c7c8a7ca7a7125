import { type Mount, MountKind } from '@caisson/api/container'
import type { BindSpec, MountSpec, TmpfsSpec, VolumeMountSpec } from '../container/spec.ts'
import { absolutePath, atMost, dictionary, innerPath, oneOf, refuse, text, within, wrong } from './checks.ts'
import { driverIn, optionsOfDriver, volumeName } from './volumes-in.ts'

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
  refuse(`${field}.kind`, mount.kind === MountKind.IMAGE)
  if (mount.kind === MountKind.VOLUME) return volumeIn(field, mount, target)
  requireNothingOfVolumes(field, mount)
  if (mount.kind === MountKind.BIND) return bindIn(field, mount, target)
  if (mount.kind === MountKind.TMPFS) return tmpfsIn(field, mount, target)
  throw wrong(`${field}.kind`, 'it is missing')
}

function requireNothingOfVolumes(field: string, mount: Mount): void {
  const { subpath, labels, driver, driverOptions, noCopy } = mount
  if (subpath !== '') throw wrong(`${field}.subpath`, 'only a volume has parts')
  if (Object.keys(labels).length > 0) throw wrong(`${field}.labels`, 'only a volume has labels')
  if (driver !== '' || Object.keys(driverOptions).length > 0)
    throw wrong(`${field}.driver`, 'only a volume has a driver')
  if (noCopy) throw wrong(`${field}.no_copy`, 'only a volume is filled')
}

function volumeIn(field: string, mount: Mount, target: string): VolumeMountSpec {
  const { source, subpath, driver } = mount
  if (mount.propagation !== '') throw wrong(`${field}.propagation`, 'only a bind has a propagation')
  if (mount.createSource) throw wrong(`${field}.create_source`, 'a volume is made in any case')
  if (mount.sizeBytes !== 0) throw wrong(`${field}.size_bytes`, 'only a tmpfs has a size')
  if (mount.mode !== 0) throw wrong(`${field}.mode`, 'only a tmpfs has a mode')
  refuse(`${field}.owner`, mount.owner !== '')
  if (source === '' && subpath !== '') throw wrong(`${field}.subpath`, 'a new volume has no parts: name one')
  return {
    kind: 'volume',
    source: source === '' ? '' : volumeName(`${field}.source`, source),
    target,
    readOnly: mount.readOnly,
    noCopy: mount.noCopy,
    subpath: subpath === '' ? '' : subpathIn(`${field}.subpath`, subpath),
    options: optionsIn(field, mount.options),
    labels: dictionary(`${field}.labels`, mount.labels),
    driver: driver === '' ? '' : driverIn(`${field}.driver`, driver),
    driverOptions: optionsOfDriver(`${field}.driver_options`, mount.driverOptions),
  }
}

/** Where it leads is known when it is resolved, inside of the volume; its letters are checked here. */
function subpathIn(field: string, path: string): string {
  text(field, path, 4_095)
  if (path.startsWith('/') || path.split('/').includes('..'))
    throw wrong(field, 'it is a path inside the volume, without / in front and without ".."')
  return path
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
