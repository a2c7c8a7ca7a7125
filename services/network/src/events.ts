import type { EventDraft, EventLog } from '@caisson/service-kit'
import { formatIpv4 } from './ipam/ipv4.ts'
import type { Network } from './network/network.ts'
import type { SandboxEvents } from './sandbox/ports.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

/** What this service tells: network.created, sandbox.created, sandbox.updated, sandbox.deleted (attribute reason: asked or lost). */
export const networkEvents = (log: Pick<EventLog, 'append'>): SandboxEvents => ({
  networkCreated: (network) => log.append(networkDraft('network.created', network)),
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

function sandboxDraft(type: string, sandbox: Sandbox): EventDraft {
  const endpoint = sandbox.namespace?.endpoint
  return {
    type,
    subject: { kind: 'sandbox', id: sandbox.id, name: sandbox.name, labels: sandbox.labels },
    attributes: { mode: sandbox.mode },
    body: {
      $case: 'network',
      value: {
        networkId: endpoint?.networkId ?? '',
        sandboxId: sandbox.id,
        addresses: endpoint === undefined ? [] : [formatIpv4(endpoint.address)],
      },
    },
  }
}
