import { conflict } from '@caisson/api'
import { type Container, isRunning } from './container.ts'
import { alone, type Core } from './core.ts'
import { notRunning } from './supervisor.ts'

/** Freezes every process of a running container. */
export function pause(core: Core, reference: string): Promise<void> {
  return alone(core, reference, async (container) => {
    if (!isRunning(container)) throw notRunning(container)
    if (container.state === 'paused')
      throw conflict('CONTAINER_PAUSED', `the container ${container.name} is paused already`, {
        details: { container: container.id },
      })
    await pauseContainer(core, container)
  })
}

/** The same for who holds the lock. */
export async function pauseContainer(core: Core, container: Container): Promise<void> {
  await core.controlGroups.freeze(container)
  change(core, container, 'paused')
}

/** Lets a paused container go on. */
export function resume(core: Core, reference: string): Promise<void> {
  return alone(core, reference, async (container) => {
    if (container.state !== 'paused')
      throw conflict('CONTAINER_NOT_PAUSED', `the container ${container.name} is not paused`, {
        details: { container: container.id },
      })
    await resumeContainer(core, container)
  })
}

/** The same for who holds the lock. */
export async function resumeContainer(core: Core, container: Container): Promise<void> {
  await core.controlGroups.thaw(container)
  change(core, container, 'running')
}

/** It may have ended meanwhile: then there is nothing to write down. */
function change(core: Core, before: Container, state: 'paused' | 'running'): void {
  core.transaction(() => {
    const current = core.table.get(before.id)
    if (!current || !isRunning(current)) return
    const changed = { ...current, state }
    core.table.update(changed)
    if (state === 'paused') core.events.paused(changed)
    else core.events.resumed(changed)
  })
}
