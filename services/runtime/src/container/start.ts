import { CaissonError, failedPrecondition } from '@caisson/api'
import { refreshSharer } from '../connection/living-files.ts'
import { type Container, isRunning, type Sandbox } from './container.ts'
import { alone, type Core } from './core.ts'
import { openSandbox } from './open-sandbox.ts'
import { sandboxRequest } from './sandbox-request.ts'
import type { LaunchOptions } from './supervisor.ts'

/** How a container is started. */
export interface StartOptions extends Pick<LaunchOptions, 'terminalSize' | 'follower'> {
  /** A sandbox that was made ahead. */
  readonly ready?: Promise<Sandbox> | undefined
}

/** Starts a container that does not run; resolves when its program was executed. */
export function startContainer(
  core: Core,
  reference: string,
  options: StartOptions,
  signal: AbortSignal,
): Promise<Container> {
  return alone(core, reference, (container) => {
    checkStartable(container)
    return core.registry.during(container.id, 'starting', () => launch(core, container, options, signal))
  })
}

async function launch(
  core: Core,
  container: Container,
  { ready, ...options }: StartOptions,
  signal: AbortSignal,
): Promise<Container> {
  const { supervisor, table, discards } = core
  try {
    const { id, name, spec } = container
    const sandbox = await (ready ?? openSandbox(core, sandboxRequest(id, name, spec), signal))
    signal.throwIfAborted()
    const save = (running: Container): void => table.update(running)
    const running = await supervisor.launch(container, sandbox, { ...options, save })
    refreshSharer(core, running)
    return running
  } catch (error) {
    discards.release(container.id, () => isRunning(table.get(container.id) ?? container))
    throw error
  }
}

function checkStartable(container: Container): void {
  const details = { container: container.id }
  if (isRunning(container))
    throw new CaissonError('not-modified', `the container ${container.name} runs already`, {
      reason: 'CONTAINER_RUNNING',
      details,
    })
  if (container.state === 'broken')
    throw failedPrecondition('CONTAINER_BROKEN', `the record of ${container.name} is damaged: remove it by force`, {
      details,
    })
}
