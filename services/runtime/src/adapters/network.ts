import { CaissonError, type Channel, fromTimestamp, type Partially } from '@caisson/api'
import {
  type CreateSandboxRequest,
  NetworksDefinition,
  SandboxesDefinition,
  type Sandbox as SandboxMessage,
} from '@caisson/api/network'
import type { Sandbox } from '../container/container.ts'
import type { Sandboxes, SandboxRequest } from '../ports.ts'
import { networkModeIn, networkModeOut } from './network-mode.ts'
import { portIn, portOut } from './port-mapping.ts'

const CONTAINER_ID = /^[0-9a-f]{64}$/
const PAGE = 1_000

/** Sandboxes from the network service. */
export function networkSandboxes(channel: Channel): Sandboxes {
  const sandboxes = channel.client(SandboxesDefinition)
  const networks = channel.client(NetworksDefinition)
  return {
    async create(request, signal) {
      const made = await sandboxes.create(requestOf(request), { signal })
      const { id, network } = request
      if (!network.unconnected) return sandboxOf(made)
      // There is no sandbox that can be connected later but one that was connected before.
      let left = made
      for (const { networkId } of made.endpoints)
        left = await sandboxes.disconnect({ sandboxId: id, network: networkId }, { signal })
      return sandboxOf(left)
    },
    async createAll(requests, signal) {
      const made = await sandboxes.createAll({ sandboxes: requests.map(requestOf) }, { signal })
      return made.sandboxes.map(sandboxOf)
    },
    async connect(sandboxId, attachment, signal) {
      return sandboxOf(await sandboxes.connect({ sandboxId, attachment }, { signal }))
    },
    async disconnect(sandboxId, network, force, signal) {
      return sandboxOf(await sandboxes.disconnect({ sandboxId, network, force }, { signal }))
    },
    async get(id, signal) {
      return sandboxOf(await sandboxes.get({ id }, { signal }))
    },
    async findNetwork(network, signal) {
      const { id, name, driver, subnets } = await networks.get({ network }, { signal })
      return { id, name, driver, subnets: subnets.map(({ subnet }) => subnet) }
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

function requestOf({ id, name, hostname, network, labels }: SandboxRequest): Partially<CreateSandboxRequest> {
  const { mode, attachments, dns, ports = [], container: sharedSandboxId = '', unconnected } = network
  const published = unconnected ? [] : ports.map(portOut)
  return { id, name, hostname, mode: networkModeOut(mode), attachments, dns, labels, sharedSandboxId, ports: published }
}

function sandboxOf(sandbox: SandboxMessage): Sandbox {
  const { id, namespacePath, endpoints, ports, resolvConf, hosts, createdAt } = sandbox
  const mode = networkModeIn(sandbox.mode)
  if (mode === undefined)
    throw new CaissonError('internal', `the network service made a sandbox of mode ${sandbox.mode}, which is not known`)
  if (mode !== 'host' && namespacePath === '')
    throw new CaissonError('internal', 'the network service made a sandbox and did not say where it is')
  return {
    id,
    mode,
    namespacePath,
    endpoints: mode === 'shared' ? [] : endpoints,
    ...(ports.length > 0 && { ports: ports.map(portIn) }),
    resolvConf,
    hosts,
    createdNs: fromTimestamp(createdAt),
  }
}
