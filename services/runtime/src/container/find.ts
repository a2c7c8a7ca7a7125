import { invalid } from '@caisson/api'
import type { Container, ContainerState, Exit } from './container.ts'
import { type Core, settled } from './core.ts'

export interface Filter {
  /** Ids or prefixes of ids. */
  readonly ids: readonly string[]
  readonly names: readonly string[]
  /** name, or name=value. */
  readonly labels: readonly string[]
}

export interface ListRequest {
  /** Also those that do not run. */
  readonly all: boolean
  readonly filter: Filter
  readonly states: readonly ContainerState[]
  readonly images: readonly string[]
  /** 0: the most. */
  readonly pageSize: number
  readonly pageToken: string
}

export interface Page {
  readonly containers: readonly Container[]
  /** '': this was the last. */
  readonly nextPageToken: string
}

const MOST_ENTRIES = 1_000
const BATCH = 200

/** Lists containers, the newest first. */
export function listContainers(core: Core, request: ListRequest): Page {
  const size = request.pageSize === 0 ? MOST_ENTRIES : Math.min(request.pageSize, MOST_ENTRIES)
  const found: Container[] = []
  let before = startOf(request.pageToken)
  for (;;) {
    const batch = core.table.listBefore(before, BATCH)
    for (const { container, sequence } of batch) {
      if (isAsked(core, container, request)) {
        if (found.length === size) return { containers: found, nextPageToken: String(before) }
        found.push(container)
      }
      before = sequence
    }
    if (batch.length < BATCH) return { containers: found, nextPageToken: '' }
  }
}

function startOf(token: string): number {
  if (token === '') return Number.MAX_SAFE_INTEGER
  if (/^\d{1,15}$/.test(token)) return Number(token)
  throw invalid('the page token is not one of this service: start at the beginning', { reason: 'INVALID_PAGE_TOKEN' })
}

const ACTIVE: ReadonlySet<ContainerState> = new Set(['starting', 'running', 'paused', 'removing'])

function isAsked(core: Core, container: Container, { all, filter, states, images }: ListRequest): boolean {
  const state = core.registry.stateOf(container)
  if (states.length > 0 ? !states.includes(state) : !all && !ACTIVE.has(state)) return false
  const { spec, image } = container
  if (images.length > 0 && !images.some((name) => [spec.image, image.id, image.digest].includes(name))) return false
  return matches(container, filter)
}

/** Whether every condition of a filter that is given holds. */
export function matches(container: Container, { ids, names, labels }: Filter): boolean {
  if (ids.length > 0 && !ids.some((id) => container.id.startsWith(id))) return false
  if (names.length > 0 && !names.includes(container.name)) return false
  return labels.every((label) => {
    const equals = label.indexOf('=')
    const name = equals < 0 ? label : label.slice(0, equals)
    if (!Object.hasOwn(container.spec.labels, name)) return false
    return equals < 0 || container.spec.labels[name] === label.slice(equals + 1)
  })
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

/** Waits for a condition and tells how the container ended; undefined when it was never started. */
export async function waitFor(
  core: Core,
  reference: string,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<Exit | undefined> {
  let container = core.registry.resolve(reference)
  if (core.registry.stateOf(container) === 'starting') container = await settled(core, container)
  const state = core.registry.stateOf(container)
  if (condition === 'not-running' && !ACTIVE.has(state)) return container.exit
  if (condition !== 'removed') return core.milestones.nextExit(container.id, signal)
  let exit = container.exit
  const ended = new AbortController()
  core.milestones.nextExit(container.id, AbortSignal.any([signal, ended.signal])).then(
    (next) => {
      exit = next ?? exit
    },
    () => {},
  )
  try {
    await core.milestones.removal(container.id, signal)
    return exit
  } finally {
    ended.abort()
  }
}
