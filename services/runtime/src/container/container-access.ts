import { conflict } from '@caisson/api'
import type { ContainerAccess } from '../access.ts'
import { type Container, isRunning } from './container.ts'
import type { Core } from './core.ts'
import { startContainer } from './start.ts'
import { killContainer } from './stop.ts'
import { notRunning } from './supervisor.ts'

/** What the parts around containers are given of them. */
export function containerAccess(core: Core): ContainerAccess {
  const { registry, table, stateDirs, milestones, supervisor } = core
  return {
    resolve: (reference) => registry.resolve(reference),
    stateOf: (container) => registry.stateOf(container),
    active: () => table.active(),
    stateDir: (id) => stateDirs.path(id),
    hold: (id) => stateDirs.hold(id),
    nextExit: (id, signal) => milestones.nextExit(id, signal),
    start: async (id, options, signal) => {
      await startContainer(core, id, options, signal)
    },
    kill: (id, signal) => killContainer(core, id, signal, false),
    resize: async (id, { rows, columns }) => {
      const container = registry.get(id)
      if (!isRunning(container)) throw notRunning(container)
      if (!container.spec.process.tty) throw noTerminal(container)
      supervisor.client(container).resize(rows, columns)
    },
  }
}

function noTerminal(container: Container): Error {
  return conflict('NO_TERMINAL', `the container ${container.name} has no terminal: make it with one`, {
    details: { container: container.id },
  })
}
