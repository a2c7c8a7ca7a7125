import type { ListNetworksRequest } from '@caisson/api/network'
import type { Network } from '../network/network.ts'

/** Whether a network is one of those that were asked for. */
export function isChosen(network: Network, filter: ListNetworksRequest['filter']): boolean {
  if (filter === undefined) return true
  return (
    (filter.ids.length === 0 || filter.ids.some((id) => id !== '' && network.id.startsWith(id))) &&
    (filter.names.length === 0 || filter.names.includes(network.name)) &&
    filter.labels.every((label) => hasLabel(network.labels, label))
  )
}

/** The same with what only a list can ask for. `used`: whether a sandbox is connected. */
export function isListed(network: Network, request: ListNetworksRequest, used: boolean): boolean {
  const { drivers, dangling } = request
  return (
    isChosen(network, request.filter) &&
    (drivers.length === 0 || drivers.includes(network.driver)) &&
    // What comes with the engine is never in anybody's way.
    (dangling === undefined || dangling === (!used && !network.builtin))
  )
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals === -1) return Object.hasOwn(labels, wanted)
  const name = wanted.slice(0, equals)
  return Object.hasOwn(labels, name) && labels[name] === wanted.slice(equals + 1)
}
