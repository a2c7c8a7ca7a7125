import { posix } from 'node:path'
import { invalid } from '@caisson/api'
import type { Container } from '../container/container.ts'
import type { ContainerSpec, MountSpec } from '../container/spec.ts'

/**
 * Everything that is to be mounted in a container: what was asked for, then what other containers have, then volumes
 * where the image wants them, each where nothing else is. What is mounted deeper comes later.
 */
export function plannedMounts(
  spec: ContainerSpec,
  imageVolumes: readonly string[],
  resolve: (reference: string) => Container,
): MountSpec[] {
  const mounts = new Map(spec.mounts.map((mount) => [mount.target, mount]))
  const add = (mount: MountSpec): void => {
    if (!mounts.has(mount.target)) mounts.set(mount.target, mount)
  }
  for (const reference of spec.volumesFrom ?? []) for (const mount of mountsFrom(reference, resolve)) add(mount)
  for (const path of imageVolumes) add(anonymousAt(imagePath(path)))
  return [...mounts.values()].toSorted((one, other) => depth(one) - depth(other))
}

/** NAME, NAME:ro or NAME:rw. What is read-only there stays so. Memory is the other container's alone. */
function mountsFrom(reference: string, resolve: (reference: string) => Container): MountSpec[] {
  const [, name = '', access] = /^([^:]*)(?::(ro|rw))?$/.exec(reference) ?? []
  const mounts = resolve(name).spec.mounts.filter(({ kind }) => kind !== 'tmpfs')
  return mounts.map((mount) => ({ ...mount, readOnly: mount.readOnly || access === 'ro' }))
}

function anonymousAt(target: string): MountSpec {
  return {
    kind: 'volume',
    source: '',
    target,
    readOnly: false,
    noCopy: false,
    subpath: '',
    options: [],
    labels: {},
    driver: '',
    driverOptions: {},
  }
}

/** An image is not trusted to name a sane place. */
function imagePath(path: string): string {
  const target = posix.normalize(`/${path}`).replace(/(?<=.)\/$/, '')
  if (path.startsWith('/') && target !== '/' && !path.includes('\0') && Buffer.byteLength(path) <= 4_095) return target
  throw invalid(
    `the image wants a volume at ${JSON.stringify(path.slice(0, 80))}, where none can be: use another image`,
    {
      reason: 'IMAGE_VOLUME_INVALID',
      details: { path: path.slice(0, 80) },
    },
  )
}

function depth({ target }: MountSpec): number {
  return target.split('/').length
}
