import type { Handlers } from '@caisson/api'
import type { NetworksDefinition } from '@caisson/api/network'
import type { Networks } from '../network/networks.ts'
import type { UserNetworks } from '../network/user-networks.ts'
import type { Sandboxes } from '../sandbox/sandboxes.ts'
import { networkReference } from './checks.ts'
import { networkMessage } from './convert.ts'
import { networkRequestOf } from './convert-network.ts'
import { keptNetworks } from './kept-networks.ts'
import { isChosen, isListed } from './network-filter.ts'
import { pageOf } from './page.ts'

/** caisson.network.v1.Networks */
export function networksHandlers(deps: {
  readonly sandboxes: Sandboxes
  readonly networks: Networks
  readonly userNetworks: UserNetworks
}): Handlers<typeof NetworksDefinition> {
  const { sandboxes, networks, userNetworks } = deps
  return {
    get: async ({ network }) => {
      const found = networks.find(networkReference(network))
      return networkMessage(found, sandboxes.connected().get(found.id) ?? 0)
    },
    list: async (request) => {
      const connected = sandboxes.connected()
      const chosen = networks.list().filter((network) => isListed(network, request, connected.has(network.id)))
      const { items, nextPageToken } = pageOf(chosen, request.page)
      return { networks: items.map((item) => networkMessage(item, connected.get(item.id) ?? 0)), nextPageToken }
    },
    create: async (request, { requestId }) =>
      networkMessage(userNetworks.create(networkRequestOf(request), requestId), 0),
    delete: async ({ network }, { requestId }) => {
      await userNetworks.delete(networkReference(network), requestId)
      return {}
    },
    prune: async ({ filter, keep }, { requestId }) => {
      const kept = keptNetworks(networks.list(), keep)
      return { removed: await userNetworks.prune((each) => isChosen(each, filter) && !kept(each), requestId) }
    },
  }
}
