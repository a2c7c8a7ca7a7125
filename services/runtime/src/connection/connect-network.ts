import { conflict, exhausted } from '@caisson/api'
import { type Container, isRunning, type Sandbox } from '../container/container.ts'
import { alone, type Core } from '../container/core.ts'
import type { AttachmentSpec } from '../container/spec.ts'
import type { NetworkFacts } from '../ports.ts'
import { agree, isUnsure } from './agreement.ts'
import { attachmentsOf, requireConnectable } from './attachments.ts'
import { knownNetworks } from './known-network.ts'
import { takeOver, takeOverSurely } from './take-over.ts'
import { requirePossible } from './wish.ts'

const MOST_NETWORKS = 32
/** Longer than the network service ever takes: a change is not given up because its client went away. */
export const CHANGE_MS = 30_000

/**
 * Connects a container to one more network, for good. The network service does it first: what a crash leaves there, and
 * nobody wrote down, is undone at the next start (agree). Throws as Containers.ConnectNetwork of the contract.
 */
export function connectNetwork(
  core: Core,
  reference: string,
  wish: AttachmentSpec,
  signal: AbortSignal,
): Promise<Container> {
  return alone(core, reference, async (container) => {
    requireConnectable(container)
    const { id, spec } = container
    const network = await core.sandboxes.findNetwork(wish.network, signal)
    requirePossible(wish, network)
    await requireRoom(core, container, network, signal)
    const attachment = { ...wish, network: network.name }
    const attachments = [...attachmentsOf(spec.network), attachment]
    if (!isRunning(container)) return takeOver(core, id, { attachments })
    const sandbox = await connect(core, id, attachment)
    return takeOverSurely(core, id, { attachments, sandbox })
  })
}

async function connect(core: Core, id: string, attachment: AttachmentSpec): Promise<Sandbox> {
  const patience = AbortSignal.timeout(CHANGE_MS)
  await agree(core, id, patience)
  try {
    return await core.sandboxes.connect(id, attachment, patience)
  } catch (error) {
    if (isUnsure(error)) core.agreeSoon(id)
    throw error
  }
}

async function requireRoom(core: Core, container: Container, { id, name }: NetworkFacts, signal: AbortSignal) {
  const attachments = attachmentsOf(container.spec.network)
  const known = await knownNetworks(core.sandboxes, attachments, signal)
  if (known.some(({ network }) => network?.id === id))
    throw conflict('ALREADY_CONNECTED', `the container ${container.name} is connected already to the network ${name}`, {
      details: { container: container.id, network: id },
    })
  if (attachments.length >= MOST_NETWORKS)
    throw exhausted(
      'TOO_MANY_NETWORKS',
      `the container ${container.name} is on ${attachments.length} networks, the most there may be: disconnect one`,
    )
}
