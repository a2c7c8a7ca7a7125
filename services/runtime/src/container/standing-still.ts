import { type Container, isRunning } from './container.ts'
import type { Core } from './core.ts'
import { pauseContainer, resumeContainer } from './pause.ts'

/** Runs work while a running container is paused; for who holds its lock. It goes on whatever comes of the work. */
export async function standingStill<T>(core: Core, container: Container, work: () => Promise<T>): Promise<T> {
  await pauseContainer(core, container)
  try {
    return await work()
  } finally {
    const current = core.table.get(container.id)
    // It may have been killed meanwhile.
    if (current && isRunning(current)) await resumeContainer(core, current)
  }
}

/** The same with several, of which those that run are paused. Locks are taken in one order, so that nobody waits in a ring. */
export function allStandingStill<T>(core: Core, ids: readonly string[], work: () => Promise<T>): Promise<T> {
  const [first, ...others] = ids.toSorted()
  if (first === undefined) return work()
  return core.mutex.run(first, () => {
    const rest = (): Promise<T> => allStandingStill(core, others, work)
    const container = core.table.get(first)
    return container?.state === 'running' ? standingStill(core, container, rest) : rest()
  })
}
