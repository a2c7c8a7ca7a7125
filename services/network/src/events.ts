import type { EventDraft, EventLog } from '@caisson/service-kit'
import { formatIpv4 } from './ipam/ipv4.ts'
import { formatIpv6 } from './ipam/ipv6.ts'
import type { Network } from './network/network.ts'
import type { SandboxEvents } from './sandbox/ports.ts'
import type { Endpoint, Sandbox } from './sandbox/sandbox.ts'

/**
 * What this service tells: network.created, network.deleted, sandbox.created, sandbox.updated, sandbox.connected,
 * sandbox.disconnected, sandbox.deleted (attribute reason: asked or lost).
 */
export const networkEvents = (log: Pick<EventLog, 'append'>): SandboxEvents => ({
  networkCreated: (network, requestId) => log.append({ ...networkDraft('network.created', network), requestId }),
  networkDeleted: (network, requestId) =>
    log.append({ ...networkDraft('network.deleted', network), requestId, final: true }),
  sandboxConnected: (sandbox, endpoint, requestId) =>
    log.append({ ...sandboxDraft('sandbox.connected', sandbox, [endpoint]), requestId }),
  sandboxDisconnected: (sandbox, endpoint, requestId) =>
    log.append({ ...sandboxDraft('sandbox.disconnected', sandbox, [endpoint]), requestId }),
  sandboxCreated: (sandbox, requestId) => log.append({ ...sandboxDraft('sandbox.created', sandbox), requestId }),
  sandboxUpdated: (sandbox, requestId) => log.append({ ...sandboxDraft('sandbox.updated', sandbox), requestId }),
  sandboxDeleted: (sandbox, reason, requestId) =>
    log.append({
      ...sandboxDraft('sandbox.deleted', sandbox),
      requestId,
      attributes: { mode: sandbox.mode, reason },
      final: true,
    }),
})

const networkDraft = (type: string, network: Network): EventDraft => ({
  type,
  subject: { kind: 'network', id: network.id, name: network.name, labels: network.labels },
  attributes: { driver: network.driver },
  body: { $case: 'network', value: { networkId: network.id, sandboxId: '', addresses: [] } },
})

function sandboxDraft(
  type: string,
  sandbox: Sandbox,
  endpoints: readonly Endpoint[] = sandbox.namespace?.endpoints ?? [],
): EventDraft {
  return {
    type,
    subject: { kind: 'sandbox', id: sandbox.id, name: sandbox.name, labels: sandbox.labels },
    attributes: { mode: sandbox.mode },
    body: {
      $case: 'network',
      value: {
        networkId: endpoints[0]?.networkId ?? '',
        sandboxId: sandbox.id,
        addresses: endpoints.flatMap(({ address, ipv6 }) =>
          ipv6 === undefined ? [formatIpv4(address)] : [formatIpv4(address), formatIpv6(ipv6)],
        ),
      },
    },
  }
}
