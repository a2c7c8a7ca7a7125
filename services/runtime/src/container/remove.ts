import { conflict } from '@caisson/api'
import { type Container, isRunning } from './container.ts'
import { alone, type Core } from './core.ts'
import { killForGood } from './stop.ts'

/** Removes a container and all that is its. CONTAINER_RUNNING while it runs, unless forced. */
export function removeContainer(core: Core, reference: string, force: boolean, signal: AbortSignal): Promise<void> {
  return alone(core, reference, (container) =>
    core.registry.during(container.id, 'removing', async () => {
      if (isRunning(container)) {
        if (!force) throw running(container)
        await killForGood(core, container, signal)
      }
      await eraseContainer(core, container)
    }),
  )
}

/** Removes what does not run; for who holds the lock. With auto_remove its end may have removed it already. */
export async function eraseContainer(core: Core, { id }: Container): Promise<void> {
  const { table, events, discards, milestones } = core
  const container = table.get(id)
  if (!container) return
  core.transaction(() => {
    table.delete(id)
    events.removed(container)
  })
  milestones.removed(id)
  await discards.discard({ id, range: container.idRange, isUnclean: container.state === 'broken' })
}

function running(container: Container): Error {
  return conflict('CONTAINER_RUNNING', `the container ${container.name} runs: stop it first, or remove it by force`, {
    details: { container: container.id },
  })
}
