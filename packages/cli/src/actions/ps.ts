import type { Partially } from '@caisson/api'
import { Container, ContainerState, type ExitStatus, type ListContainersRequest } from '@caisson/api/container'
import type { PortMapping } from '@caisson/api/network'
import type { Context } from '../context.ts'
import { listAll, listAllNetworks } from '../listing.ts'
import { idsOf, networksOf } from '../networks-of.ts'
import { ageOf } from '../output/age.ts'
import { containerSide, hostSide } from '../output/port.ts'
import { parseInteger } from '../parse/numbers.ts'
import { parseFilters } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import type { Action } from '../spec.ts'

const FILTERS = ['id', 'name', 'label', 'status', 'ancestor', 'exited', 'network'] as const

const STATES: Readonly<Record<string, ContainerState>> = {
  created: ContainerState.CREATED,
  starting: ContainerState.STARTING,
  running: ContainerState.RUNNING,
  paused: ContainerState.PAUSED,
  restarting: ContainerState.RESTARTING,
  exited: ContainerState.EXITED,
  removing: ContainerState.REMOVING,
  broken: ContainerState.BROKEN,
}

/** Lists containers, the newest first. */
export const ps: Action = async (context, _args, options) => {
  const { out, engine } = context
  const filters = parseFilters(options.list('filter'), FILTERS)
  const request = listRequest(filters, options.flag('all'))
  const exited = filters.get('exited')?.map((code) => parseInteger('--filter exited', code, -1, 255))
  const found = await listAll(await engine.containers(), request)
  const ended = exited ? found.filter(({ exit }) => exit && exited.includes(exit.exitCode)) : found
  const shown = await onNetworks(context, ended, filters.get('network'))
  const whole = options.maybeFlag('trunc') === false
  if (options.flag('quiet')) for (const { id } of shown) out.line(whole ? id : id.slice(0, 12))
  else
    out.list(
      shown,
      [
        { head: 'CONTAINER ID', cell: ({ id }) => (whole ? id : id.slice(0, 12)) },
        { head: 'IMAGE', cell: ({ spec, imageId }) => spec?.image || shortDigest(imageId) },
        { head: 'COMMAND', cell: ({ args }) => command(args, whole ? Number.POSITIVE_INFINITY : 20) },
        { head: 'CREATED', cell: ({ createdAt }) => `${ageOf(createdAt)} ago` },
        { head: 'STATUS', cell: describeState },
        { head: 'PORTS', cell: ({ sandbox }) => (sandbox?.ports ?? []).map(describePort).join(', ') },
        { head: 'NAME', cell: ({ name }) => name },
      ],
      Container.toJSON,
    )
  return 0
}

/** Those that are on one of these networks while they run. Nothing is on a network that there is not. */
async function onNetworks(
  { engine, signal }: Context,
  containers: readonly Container[],
  wanted: readonly string[] | undefined,
): Promise<readonly Container[]> {
  if (!wanted) return containers
  const known = await listAllNetworks(await engine.networks(), {})
  signal.throwIfAborted()
  const chosen = idsOf(known, wanted)
  return containers.filter((container) => !idsOf(known, networksOf(container)).isDisjointFrom(chosen))
}

function listRequest(filters: ReadonlyMap<string, readonly string[]>, all: boolean): Partially<ListContainersRequest> {
  const states = (filters.get('status') ?? []).map((name) => {
    const state = STATES[name]
    if (state === undefined)
      throw refuse('--filter status', name, `is no state: there are ${Object.keys(STATES).join(', ')}`)
    return state
  })
  return {
    all: all || states.length > 0 || filters.has('exited'),
    states,
    images: filters.get('ancestor') ?? [],
    filter: { ids: filters.get('id') ?? [], names: filters.get('name') ?? [], labels: filters.get('label') ?? [] },
  }
}

/** The state as a word, as filters have it. */
export function stateName(state: ContainerState): string {
  return Object.entries(STATES).find(([, value]) => value === state)?.[0] ?? 'unknown'
}

/** The state as people read it: Up 3 minutes, Exited (137) 2 hours ago. */
export function describeState({ state, exit, startedAt, health }: Container): string {
  const suffix = health && health !== 'none' ? ` (${health})` : ''
  if (state === ContainerState.RUNNING) return `Up ${ageOf(startedAt)}${suffix}`
  if (state === ContainerState.PAUSED) return `Up ${ageOf(startedAt)} (paused)`
  const name = stateName(state)
  const word = name.charAt(0).toUpperCase() + name.slice(1)
  if (!exit || (state !== ContainerState.EXITED && state !== ContainerState.RESTARTING)) return word
  return `${word} (${describeExit(exit)}) ${ageOf(exit.finishedAt)} ago`
}

function describeExit({ exitCode, oomKilled }: ExitStatus): string {
  return `${exitCode < 0 ? 'unknown' : exitCode}${oomKilled ? ', out of memory' : ''}`
}

function command(args: readonly string[], width: number): string {
  const text = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(' ')
  return text.length > width ? `${text.slice(0, width - 1)}…` : text
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12)
}

const describePort = (port: PortMapping): string => `${hostSide(port)}->${containerSide(port)}`
