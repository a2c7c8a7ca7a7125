import { failedPrecondition, type Handlers, unimplemented } from '@caisson/api'
import type { Filter } from '@caisson/api/common'
import type { NetworksDefinition } from '@caisson/api/network'
import type { Network } from '../network/network.ts'
import type { Networks } from '../network/networks.ts'
import type { Sandboxes } from '../sandbox/sandboxes.ts'
import { networkReference } from './checks.ts'
import { networkMessage } from './convert.ts'
import { pageOf } from './page.ts'

/** caisson.network.v1.Networks */
export function networksHandlers(deps: {
  readonly sandboxes: Sandboxes
  readonly networks: Networks
}): Handlers<typeof NetworksDefinition> {
  const { sandboxes, networks } = deps
  const message = (network: Network) =>
    networkMessage(
      network,
      sandboxes.list().filter(({ namespace }) => namespace?.endpoint?.networkId === network.id).length,
    )
  return {
    get: async ({ network }) => message(networks.find(networkReference(network))),
    list: async ({ filter, page }) => {
      const { items, nextPageToken } = pageOf(
        networks.list().filter((network) => isChosen(network, filter)),
        page,
      )
      return { networks: items.map(message), nextPageToken }
    },
    create: async () => {
      throw unimplemented('this version of the network service has the networks that come with the engine only')
    },
    delete: async ({ network }) => {
      const { name } = networks.find(networkReference(network))
      throw failedPrecondition('NETWORK_BUILTIN', `the network ${name} comes with the engine and cannot be removed`)
    },
    // Networks that come with the engine are never pruned, and there are no others.
    prune: async () => ({ removed: [] }),
  }
}

function isChosen(network: Network, filter: Filter | undefined): boolean {
  if (filter === undefined) return true
  return (
    (filter.ids.length === 0 || filter.ids.some((id) => id !== '' && network.id.startsWith(id))) &&
    (filter.names.length === 0 || filter.names.includes(network.name)) &&
    filter.labels.every((label) => hasLabel(network.labels, label))
  )
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals === -1) return Object.hasOwn(labels, wanted)
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}
