import { failedPrecondition } from '@caisson/api'
import type { Container } from '../container/container.ts'
import type { AttachmentSpec, NetworkSpec } from '../container/spec.ts'

const DEFAULT_NETWORK: AttachmentSpec = {
  network: '',
  ipv4Address: '',
  ipv6Address: '',
  macAddress: '',
  aliases: [],
  gatewayPriority: 0,
  driverOptions: {},
  interfaceName: '',
}

/** What a container is connected to while it runs. */
export function attachmentsOf({ mode, unconnected, attachments }: NetworkSpec): readonly AttachmentSpec[] {
  if (mode !== 'bridge' || unconnected) return []
  return attachments.length > 0 ? attachments : [DEFAULT_NETWORK]
}

/** The same network with other attachments; none is none, and not the default network. */
export function withAttachments(network: NetworkSpec, attachments: readonly AttachmentSpec[]): NetworkSpec {
  const { unconnected: _unconnected, ...rest } = network
  return { ...rest, attachments, ...(attachments.length === 0 && { unconnected: true }) }
}

/** NOT_CONNECTABLE for one that has no networks of its own. */
export function requireConnectable({ id, name, spec }: Container): void {
  const { mode } = spec.network
  if (mode === 'bridge') return
  throw failedPrecondition(
    'NOT_CONNECTABLE',
    mode === 'shared'
      ? `the container ${name} shares the network of ${spec.network.container}: connect that one`
      : `the container ${name} was made with the network mode ${mode}: it is on no networks`,
    { details: { container: id } },
  )
}
