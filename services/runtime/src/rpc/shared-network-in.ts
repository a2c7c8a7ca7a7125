import type { ContainerSpec, NetworkPolicy } from '@caisson/api/container'
import { reference, wrong } from './checks.ts'

/**
 * The container whose network is shared. INVALID_FIELD for everything that belongs to that container: it would not count.
 */
export function sharedContainerIn(network: NetworkPolicy): string {
  const { attachments, ports, publishAll, dns } = network
  const isAsked = (list: readonly unknown[] | undefined): boolean => (list?.length ?? 0) > 0
  refuseConflict('spec.network.ports', 'port publishing', isAsked(ports) || publishAll)
  const hasMac = attachments.some(({ macAddress }) => macAddress !== '')
  refuseConflict('spec.network.attachments', hasMac ? 'mac-address' : 'networks and addresses', isAsked(attachments))
  refuseConflict('spec.network.dns', 'dns', isAsked(dns?.servers) || isAsked(dns?.search) || isAsked(dns?.options))
  refuseConflict('spec.network.dns.extra_hosts', 'custom host-to-IP mapping', hasKeys(dns?.extraHosts))
  if (network.container === '') throw wrong('spec.network.container', 'it is missing: name the container to share with')
  return reference('spec.network.container', network.container)
}

/** What else of a spec is the other container's. */
export function refuseSharedConflicts({ hostname, domainname, sysctls }: ContainerSpec): void {
  refuseConflict('spec.hostname', 'hostname', hostname !== '')
  refuseConflict('spec.domainname', 'domainname', domainname !== '')
  const isOfNetwork = Object.keys(sysctls).some((name) => name.startsWith('net.'))
  refuseConflict('spec.sysctls', 'settings of the network', isOfNetwork)
}

const hasKeys = (map: Readonly<Record<string, string>> | undefined): boolean => Object.keys(map ?? {}).length > 0

function refuseConflict(field: string, what: string, isAsked: boolean): void {
  if (isAsked)
    throw wrong(field, `conflicting options: ${what} and the network mode container: it is that of the other container`)
}
