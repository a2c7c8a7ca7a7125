import { CaissonError } from '@caisson/api'
import type { AttachmentSpec } from '../container/spec.ts'
import type { NetworkFacts, Sandboxes } from '../ports.ts'

/** An attachment, and its network if there still is such a one. */
export interface Known {
  readonly attachment: AttachmentSpec
  readonly network: NetworkFacts | undefined
}

/** Looks up the networks of attachments: they are named as people named them. */
export function knownNetworks(
  sandboxes: Sandboxes,
  attachments: readonly AttachmentSpec[],
  signal: AbortSignal,
): Promise<Known[]> {
  return Promise.all(
    attachments.map(async (attachment) => ({
      attachment,
      network: await findIfAny(sandboxes, attachment.network, signal),
    })),
  )
}

/** Undefined when there is no such network. */
export async function findIfAny(
  sandboxes: Sandboxes,
  reference: string,
  signal: AbortSignal,
): Promise<NetworkFacts | undefined> {
  try {
    return await sandboxes.findNetwork(reference, signal)
  } catch (error) {
    if (error instanceof CaissonError && error.reason === 'NETWORK_NOT_FOUND') return undefined
    throw error
  }
}
