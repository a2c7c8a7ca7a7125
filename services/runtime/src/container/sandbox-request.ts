import type { SandboxRequest } from '../ports.ts'
import type { Container } from './container.ts'
import type { ContainerSpec } from './spec.ts'

/** What the network service is asked for. */
export function sandboxRequest(id: string, name: string, spec: ContainerSpec): SandboxRequest {
  return { id, name, hostname: qualifiedHostname(id, spec), network: spec.network, labels: spec.labels }
}

function qualifiedHostname(id: string, spec: ContainerSpec): string {
  const hostname = hostnameOf({ id, spec })
  return spec.domainname === '' ? hostname : `${hostname}.${spec.domainname}`
}

/** What its hostname file says. */
export function hostnameOf({ id, spec }: Pick<Container, 'id' | 'spec'>): string {
  return spec.hostname === '' ? id.slice(0, 12) : spec.hostname
}
