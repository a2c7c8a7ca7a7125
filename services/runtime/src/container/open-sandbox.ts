import { CaissonError } from '@caisson/api'
import type { SandboxRequest } from '../ports.ts'
import type { Sandbox } from './container.ts'
import type { Core } from './core.ts'
import { networkToShare } from './shared-network.ts'

/**
 * Makes the sandbox of a container that is about to run. One that shares a network gets the files of the container whose
 * network it is. Throws what Sandboxes.create throws, and as networkToShare.
 */
export async function openSandbox(core: Core, request: SandboxRequest, signal: AbortSignal): Promise<Sandbox> {
  const { mode, container = '' } = request.network
  if (mode !== 'shared') return makeAnew(core, request, signal)
  networkToShare(core.registry, container)
  const sandbox = await makeAnew(core, request, signal)
  const { hosts, resolvConf } = networkToShare(core.registry, container)
  return { ...sandbox, hosts, resolvConf }
}

/** An earlier start may have left one that was made for other networks. */
async function makeAnew({ sandboxes }: Core, request: SandboxRequest, signal: AbortSignal): Promise<Sandbox> {
  try {
    return await sandboxes.create(request, signal)
  } catch (error) {
    if (!(error instanceof CaissonError) || error.reason !== 'SANDBOX_EXISTS') throw error
    await sandboxes.remove([request.id], signal)
    return sandboxes.create(request, signal)
  }
}
