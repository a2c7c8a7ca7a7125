import { failedPrecondition } from '@caisson/api'
import { type Container, isRunning, type Sandbox } from './container.ts'
import type { Registry } from './registry.ts'
import { hostnameOf } from './sandbox-request.ts'
import type { ContainerSpec } from './spec.ts'

/**
 * The spec of a container that shares another one's network, which is found by its id from now on: it has the names of that
 * one. Others stay as they are. CONTAINER_NOT_FOUND.
 */
export function withSharedNetwork(registry: Registry, spec: ContainerSpec): ContainerSpec {
  const { network } = spec
  if (network.mode !== 'shared') return spec
  const other = registry.resolve(network.container ?? '')
  const { domainname } = other.spec
  return { ...spec, hostname: hostnameOf(other), domainname, network: { ...network, container: other.id } }
}

/**
 * The network of the container that another one shares. CONTAINER_NOT_FOUND, NETWORK_CONTAINER_NOT_RUNNING;
 * NETWORK_CONTAINER_ON_HOST, for what loosens isolation is said of the container itself.
 */
export function networkToShare(registry: Registry, id: string): Sandbox {
  const other = registry.get(id)
  if (!isRunning(other) || !other.sandbox) throw notRunning(other)
  if (other.sandbox.mode !== 'host') return other.sandbox
  throw failedPrecondition(
    'NETWORK_CONTAINER_ON_HOST',
    `the container ${other.name} is in the network of the host: ask for the network mode host instead`,
    { details: { container: id } },
  )
}

const notRunning = ({ id, name }: Container): Error =>
  failedPrecondition(
    'NETWORK_CONTAINER_NOT_RUNNING',
    `cannot join the network of a container that does not run: start ${name} first`,
    { details: { container: id } },
  )
