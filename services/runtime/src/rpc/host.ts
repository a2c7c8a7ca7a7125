import type { Handlers } from '@caisson/api'
import type { HostDefinition, InfoResponse } from '@caisson/api/host'
import type { ContainerState } from '../container/container.ts'

/** What does not change while the service runs. */
export type HostInfo = Omit<InfoResponse, 'containers'>

/** Tells about the host. */
export function hostHandlers(
  info: HostInfo,
  counts: () => ReadonlyMap<ContainerState, number>,
): Handlers<typeof HostDefinition> {
  return { info: async () => ({ ...info, containers: Object.fromEntries(counts()) }) }
}
