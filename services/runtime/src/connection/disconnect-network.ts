import { failedPrecondition } from '@caisson/api'
import { type Container, isRunning, type Sandbox } from '../container/container.ts'
import { alone, type Core } from '../container/core.ts'
import type { AttachmentSpec } from '../container/spec.ts'
import { agree, isLost, isUnsure } from './agreement.ts'
import { attachmentsOf, requireConnectable } from './attachments.ts'
import { CHANGE_MS } from './connect-network.ts'
import { findIfAny, knownNetworks } from './known-network.ts'
import { note, takeOver, takeOverSurely } from './take-over.ts'

/**
 * Takes a container out of a network, for good. It is written down first: what a crash leaves undone is done at the next
 * start (agree), and needs no address that somebody else may have by then. Throws as Containers.DisconnectNetwork of the
 * contract.
 */
export function disconnectNetwork(
  core: Core,
  reference: string,
  network: string,
  force: boolean,
  signal: AbortSignal,
): Promise<Container> {
  return alone(core, reference, async (container) => {
    requireConnectable(container)
    const { id, spec } = container
    if (isRunning(container)) await agree(core, id, AbortSignal.timeout(CHANGE_MS))
    const leaving = await attachmentTo(core, container, network, signal)
    const before = attachmentsOf(spec.network)
    const attachments = before.filter((attachment) => attachment !== leaving)
    if (!isRunning(container)) return takeOver(core, id, { attachments })
    note(core, id, { attachments })
    const sandbox = await disconnect(core, id, { network, force, before })
    return takeOverSurely(core, id, sandbox ? { sandbox } : {})
  })
}

/** Undefined when it was forced and its network is lost altogether. */
async function disconnect(
  core: Core,
  id: string,
  { network, force, before }: { network: string; force: boolean; before: readonly AttachmentSpec[] },
): Promise<Sandbox | undefined> {
  try {
    return await core.sandboxes.disconnect(id, network, force, AbortSignal.timeout(CHANGE_MS))
  } catch (error) {
    if (force && isLost(error)) return undefined
    if (isUnsure(error)) core.agreeSoon(id)
    else note(core, id, { attachments: before })
    throw error
  }
}

/** A network that is gone is known by what people called it. NETWORK_NOT_FOUND, NOT_CONNECTED. */
async function attachmentTo(core: Core, container: Container, reference: string, signal: AbortSignal) {
  const { id, name, spec } = container
  const found = await findIfAny(core.sandboxes, reference, signal)
  const known = await knownNetworks(core.sandboxes, attachmentsOf(spec.network), signal)
  const leaving = known.find(({ attachment, network }) =>
    found ? network?.id === found.id : attachment.network === reference,
  )
  if (leaving) return leaving.attachment
  const { name: networkName } = found ?? (await core.sandboxes.findNetwork(reference, signal))
  throw failedPrecondition('NOT_CONNECTED', `the container ${name} is not connected to the network ${networkName}`, {
    details: { container: id, network: networkName },
  })
}
