import { type Container, isRunning, type Sandbox } from '../container/container.ts'
import type { Core } from '../container/core.ts'
import type { AttachmentSpec } from '../container/spec.ts'
import { withAttachments } from './attachments.ts'
import { refreshFiles } from './living-files.ts'

/** What came to be of the networks of a container. Undefined: as it was. */
export interface NetworkChange {
  readonly attachments?: readonly AttachmentSpec[]
  /** What the network service made of it; counts while the container runs. */
  readonly sandbox?: Sandbox
}

/**
 * Writes down what a container is connected to, and brings the files of one that runs up to date. For who holds its lock.
 * CONTAINER_NOT_FOUND when it ended and was removed meanwhile.
 */
export function takeOver(core: Core, id: string, change: NetworkChange): Container {
  const changed = core.transaction(() => {
    const updated = write(core, id, change)
    core.events.updated(updated)
    return updated
  })
  if (isRunning(changed)) refreshFiles(core, changed)
  return changed
}

/** Takes over what the network service has done already. What cannot be written down now is brought together later. */
export function takeOverSurely(core: Core, id: string, change: NetworkChange): Container {
  try {
    return takeOver(core, id, change)
  } catch (error) {
    core.agreeSoon(id)
    throw error
  }
}

/** Writes it down and tells nobody yet. */
export function note(core: Core, id: string, change: NetworkChange): Container {
  return core.transaction(() => write(core, id, change))
}

function write({ registry, table }: Core, id: string, { attachments, sandbox }: NetworkChange): Container {
  const current = registry.get(id)
  const { spec } = current
  const network = attachments ? withAttachments(spec.network, attachments) : spec.network
  const updated: Container = {
    ...current,
    spec: { ...spec, network },
    ...(sandbox && isRunning(current) && { sandbox: successor(current.sandbox, sandbox) }),
  }
  table.update(updated)
  return updated
}

/** Knows what the files of the container said before, until they are surely changed. */
function successor(before: Sandbox | undefined, after: Sandbox): Sandbox {
  if (!before) return after
  const { hosts, resolvConf, replaced } = before
  const isSame = hosts === after.hosts && resolvConf === after.resolvConf
  return { ...after, ...(isSame ? replaced && { replaced } : { replaced: { hosts, resolvConf } }) }
}
