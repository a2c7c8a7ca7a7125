import type { IdMapping, LinuxConfig, LinuxNamespaceType } from '@caisson/oci'
import { LINUX_NAMESPACE_TYPES } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { PlanRecord } from './plan.ts'
import { CLONE_FLAG } from './plan-format.ts'

/** Namespaces of a container: made for it, or joined by path. What is in neither is the host's. */
export interface NamespacePlan {
  readonly made: ReadonlySet<LinuxNamespaceType>
  readonly joined: ReadonlyMap<LinuxNamespaceType, string>
  /** Both sets in one: what the container does not share with the host. */
  readonly own: ReadonlySet<LinuxNamespaceType>
}

const KNOWN: ReadonlySet<string> = new Set(LINUX_NAMESPACE_TYPES)
const MAX_ID = 0xffff_ffff
/** Lines that the kernel takes in an id map. */
const MAX_MAP_LINES = 340

export function planNamespaces(linux: LinuxConfig): NamespacePlan {
  const made = new Set<LinuxNamespaceType>()
  const joined = new Map<LinuxNamespaceType, string>()
  for (const { type, path } of linux.namespaces ?? []) {
    if (!KNOWN.has(type)) throw refused(String(type), 'there is no such namespace')
    if (made.has(type) || joined.has(type)) throw refused(type, 'it is asked for twice')
    if (path === undefined) made.add(type)
    else if (type === 'time') throw refused(type, 'it cannot be joined; let a new one be made')
    else if (path.startsWith('/')) joined.set(type, path)
    else throw refused(type, `its path ${JSON.stringify(path.slice(0, 80))} is not absolute`)
  }
  if (!made.has('mount')) throw refused('mount', 'a container needs a mount namespace of its own')
  return { made, joined, own: new Set([...made, ...joined.keys()]) }
}

/** Records for namespaces and id maps. */
export function namespaceRecords(plan: NamespacePlan, linux: LinuxConfig): PlanRecord[] {
  const flags = [...plan.made].reduce((all, type) => all | CLONE_FLAG[type], 0)
  const joins = [...plan.joined].map(([type, path]): PlanRecord => ({ type: 'join', flag: CLONE_FLAG[type], path }))
  return [{ type: 'namespaces', flags }, ...joins, ...idMapRecords(plan, linux)]
}

function idMapRecords(plan: NamespacePlan, linux: LinuxConfig): PlanRecord[] {
  const [uids, gids] = [linux.uidMappings ?? [], linux.gidMappings ?? []]
  const isMapped = uids.length > 0 || gids.length > 0
  if (!plan.own.has('user')) {
    if (isMapped) throw refused('user', "id maps need a user namespace that is not the host's")
    return []
  }
  // Of a namespace that is joined the maps say what its map is.
  if (uids.length === 0 || gids.length === 0)
    throw refused('user', 'a user namespace needs maps for user and group ids')
  checkMappings('uid', uids)
  checkMappings('gid', gids)
  const record = (type: 'uidMap' | 'gidMap', { containerID, hostID, size }: IdMapping): PlanRecord => {
    return { type, inside: containerID, outside: hostID, count: size }
  }
  return [...uids.map((line) => record('uidMap', line)), ...gids.map((line) => record('gidMap', line))]
}

function checkMappings(kind: string, mappings: readonly IdMapping[]): void {
  if (mappings.length > MAX_MAP_LINES) throw refused('user', `the ${kind} map has more than ${MAX_MAP_LINES} lines`)
  const isId = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MAX_ID
  for (const { containerID, hostID, size } of mappings) {
    const fits = isId(containerID) && isId(hostID) && isId(size) && size > 0
    if (!fits || containerID + size > MAX_ID || hostID + size > MAX_ID) {
      throw refused('user', `the ${kind} map's line ${containerID} ${hostID} ${size} is out of range`)
    }
  }
  const overlap = (side: 'containerID' | 'hostID'): boolean =>
    [...mappings]
      .sort((a, b) => a[side] - b[side])
      .some((line, n, all) => {
        const next = all[n + 1]
        return next !== undefined && line[side] + line.size > next[side]
      })
  if (overlap('containerID') || overlap('hostID')) throw refused('user', `lines of the ${kind} map overlap`)
}

function refused(type: string, why: string): Error {
  return invalid('NAMESPACE_INVALID', type.slice(0, 40), `the ${type.slice(0, 40)} namespace cannot be set up: ${why}`)
}
