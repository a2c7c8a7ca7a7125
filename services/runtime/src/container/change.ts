import { alreadyExists } from '@caisson/api'
import { isRunning } from './container.ts'
import { alone, type Core } from './core.ts'
import { loosenedBy } from './loosened.ts'
import type { ResourceSpec } from './spec.ts'

/** Changes limits, of a running container at once. What is undefined stays. Returns warnings. */
export function updateContainer(core: Core, reference: string, changes: ResourceSpec): Promise<readonly string[]> {
  return alone(core, reference, async (container) => {
    const resources = { ...container.spec.resources, ...changes }
    const warnings = isRunning(container) ? await core.controlGroups.update(container, changes, resources) : []
    core.transaction(() => {
      const current = core.table.get(container.id)
      if (!current) return
      const spec = { ...current.spec, resources }
      const updated = { ...current, spec, loosened: loosenedBy(spec) }
      core.table.update(updated)
      core.events.updated(updated)
    })
    return warnings
  })
}

/** Gives a container another name. CONTAINER_EXISTS when it is taken. */
export function renameContainer(core: Core, reference: string, name: string): Promise<void> {
  return alone(core, reference, async (container) => {
    if (container.name === name) return
    if (core.registry.isNameTaken(name))
      throw alreadyExists('container', name, 'remove or rename that container, or choose another name')
    core.transaction(() => {
      const renamed = { ...container, name }
      core.table.update(renamed)
      core.events.renamed(renamed, container.name)
    })
  })
}
