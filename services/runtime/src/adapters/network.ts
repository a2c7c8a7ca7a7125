import { CaissonError, type Channel, fromTimestamp } from '@caisson/api'
import { SandboxesDefinition, type Sandbox as SandboxMessage, SandboxMode } from '@caisson/api/network'
import type { Sandbox } from '../container/container.ts'
import type { NetworkSpec } from '../container/spec.ts'
import type { Sandboxes } from '../ports.ts'
import { portIn, portOut } from './port-mapping.ts'

const MODES: Readonly<Record<NetworkSpec['mode'], SandboxMode>> = {
  none: SandboxMode.NONE,
  host: SandboxMode.HOST,
  bridge: SandboxMode.BRIDGE,
}
const CONTAINER_ID = /^[0-9a-f]{64}$/
const PAGE = 1_000

/** Sandboxes from the network service. */
export function networkSandboxes(channel: Channel): Sandboxes {
  const sandboxes = channel.client(SandboxesDefinition)
  return {
    async create({ id, name, hostname, network, labels }, signal) {
      const { mode, attachments, dns, ports = [] } = network
      const request = { id, name, hostname, mode: MODES[mode], attachments, dns, labels, ports: ports.map(portOut) }
      return sandboxOf(await sandboxes.create(request, { signal }), mode)
    },
    async remove([first, ...moreIds], signal) {
      if (first !== undefined) await sandboxes.delete({ id: first, moreIds }, { signal })
    },
    async list(signal) {
      const ids: string[] = []
      for (let token = ''; ; ) {
        const page = await sandboxes.list({ page: { size: PAGE, token } }, { signal })
        // Others may have sandboxes too: those of containers are named by the container's id.
        ids.push(...page.sandboxes.map(({ id }) => id).filter((id) => CONTAINER_ID.test(id)))
        token = page.nextPageToken
        if (token === '') return ids
      }
    },
    async traffic(sandboxIds, signal) {
      return (await sandboxes.counters({ sandboxIds }, { signal })).interfaces
    },
  }
}

function sandboxOf(sandbox: SandboxMessage, mode: NetworkSpec['mode']): Sandbox {
  const { id, namespacePath, endpoints, ports, resolvConf, hosts, createdAt } = sandbox
  if (mode !== 'host' && namespacePath === '')
    throw new CaissonError('internal', 'the network service made a sandbox and did not say where it is')
  return {
    id,
    mode,
    namespacePath,
    endpoints,
    ...(ports.length > 0 && { ports: ports.map(portIn) }),
    resolvConf,
    hosts,
    createdNs: fromTimestamp(createdAt),
  }
}
