import { invalid, missing } from '../refusal.ts'
import type { CgroupLayout } from './layout.ts'

/** The directories of one control group: one in each hierarchy. */
export interface CgroupPlacement {
  /** In the unified hierarchy, when the host has one. */
  readonly unified?: string
  readonly v1: readonly V1Directory[]
}

export interface V1Directory {
  readonly directory: string
  readonly controllers: readonly string[]
  readonly name?: string
}

/** Where a controller's files are. */
export interface ControllerHome {
  readonly version: 1 | 2
  readonly directory: string
}

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,127}$/

/** The engine's own subtree, below which its containers are. */
export function engineCgroupPath(engine: string): string {
  if (!SEGMENT.test(engine)) throw pathError(engine)
  return `caisson-${engine}`
}

/** Directories for a path such as "caisson-default/4f1c...", relative to the mounts. Throws CGROUP_PATH_INVALID. */
export function placeCgroup(layout: CgroupLayout, path: string): CgroupPlacement {
  const relative = checkedPath(path)
  return {
    ...(layout.unified && { unified: `${layout.unified.mount}/${relative}` }),
    v1: layout.v1.map(({ mount, controllers, name }) => {
      return { directory: `${mount}/${relative}`, controllers, ...(name !== undefined && { name }) }
    }),
  }
}

/**
 * Where a controller of this placement lives: version 1 when it is mounted there, else version 2 when `unified` lists it.
 */
export function findController(
  placement: CgroupPlacement,
  unified: ReadonlySet<string>,
  names: { readonly v1: string; readonly v2: string },
): ControllerHome | undefined {
  const v1 = placement.v1.find((candidate) => candidate.controllers.includes(names.v1))
  if (v1 !== undefined) return { version: 1, directory: v1.directory }
  if (placement.unified !== undefined && unified.has(names.v2)) return { version: 2, directory: placement.unified }
  return undefined
}

/** What a caller gets that asked for a limit of a controller that the host lacks. */
export function controllerMissing(controller: string, setting: string): Error {
  const how = 'enable it (kernel command line, cgroup.subtree_control of the parent, or mount it)'
  const message = `${setting} cannot be applied: this host has no ${controller} cgroup controller; ${how} or leave it out`
  return missing('CGROUP_CONTROLLER_MISSING', controller, message)
}

function checkedPath(path: string): string {
  const segments = path.replace(/^\/+/, '').split('/')
  if (path.length <= 1024 && segments.every((segment) => SEGMENT.test(segment))) return segments.join('/')
  throw pathError(path)
}

function pathError(path: string): Error {
  const rule = 'letters, digits and _ . : @ - in parts separated by "/"'
  return invalid(
    'CGROUP_PATH_INVALID',
    path,
    `${JSON.stringify(path.slice(0, 80))} is no control group path: use ${rule}`,
  )
}
