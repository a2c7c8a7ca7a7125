import { conflict } from '@caisson/api'
import { type Container, isRunning } from './container.ts'
import { alone, type Core } from './core.ts'
import { killForGood } from './stop.ts'

/** How a container is removed. */
export interface Removal {
  /** Kill it when it runs. */
  readonly force: boolean
  /** With the anonymous volumes that only it uses. */
  readonly volumes: boolean
}

/** Removes a container and all that is its. CONTAINER_RUNNING while it runs, unless forced. */
export function removeContainer(
  core: Core,
  reference: string,
  { force, volumes }: Removal,
  signal: AbortSignal,
): Promise<void> {
  return alone(core, reference, (container) =>
    core.registry.during(container.id, 'removing', async () => {
      if (isRunning(container)) {
        if (!force) throw running(container)
        await killForGood(core, container, signal)
      }
      await eraseContainer(core, container, volumes)
    }),
  )
}

/** Removes what does not run; for who holds the lock. With auto_remove its end may have removed it already. */
export async function eraseContainer(core: Core, { id }: Container, withVolumes = false): Promise<void> {
  const { table, events, discards, milestones } = core
  const container = table.get(id)
  if (!container) return
  const remove = (): void => {
    table.delete(id)
    events.removed(container)
  }
  const removed = core.transaction(() => (withVolumes ? core.volumes.removeWith(container, remove) : remove()))
  removed?.()
  milestones.removed(id)
  await discards.discard({ id, range: container.idRange, isUnclean: container.state === 'broken' })
}

function running(container: Container): Error {
  return conflict('CONTAINER_RUNNING', `the container ${container.name} runs: stop it first, or remove it by force`, {
    details: { container: container.id },
  })
}
