import type { Container } from './container.ts'
import { alone, type Core } from './core.ts'
import { type Filter, matches } from './find.ts'
import { eraseContainer } from './remove.ts'

export interface Pruned {
  readonly removed: readonly string[]
  readonly freedBytes: number
}

/** Removes containers that do not run, those made before a time only, if one is given (0n: none). */
export async function pruneContainers(
  core: Core,
  filter: Filter,
  untilNs: bigint,
  signal: AbortSignal,
): Promise<Pruned> {
  const removed: string[] = []
  let freedBytes = 0
  for (const id of core.table.ids()) {
    signal.throwIfAborted()
    const candidate = core.table.get(id)
    if (!candidate || !isPrunable(core, candidate, filter, untilNs)) continue
    await alone(core, id, async (container) => {
      if (!isPrunable(core, container, filter, untilNs)) return
      freedBytes += await usage(core, id, signal)
      await eraseContainer(core, container)
      removed.push(id)
    })
  }
  return { removed, freedBytes }
}

function isPrunable(core: Core, container: Container, filter: Filter, untilNs: bigint): boolean {
  if (!['created', 'exited', 'broken'].includes(core.registry.stateOf(container))) return false
  return (untilNs === 0n || container.createdNs < untilNs) && matches(container, filter)
}

/** What cannot be counted is not counted; it is removed all the same. */
async function usage(core: Core, id: string, signal: AbortSignal): Promise<number> {
  try {
    return await core.roots.usage(id, signal)
  } catch (error) {
    signal.throwIfAborted()
    core.log.warn({ container: id, error: String(error) }, 'its size is not known')
    return 0
  }
}
