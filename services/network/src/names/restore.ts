import type { Logger } from '@caisson/service-kit'
import type { Endpoints } from '../sandbox/endpoints.ts'
import type { HostPort, SandboxStore } from '../sandbox/ports.ts'
import type { Names } from './names.ts'
import type { NameServer } from './ports.ts'

export type RestoreOptions = {
  readonly store: Pick<SandboxStore, 'namespaces' | 'sandboxes'>
  readonly host: Pick<HostPort, 'namespacePath'>
  readonly endpoints: Pick<Endpoints, 'wiresOf'>
  readonly nameServer: Pick<NameServer, 'open'>
  readonly names: Names
  readonly log: Logger
}

/**
 * After a start, when kernel and records agree: says of every record what was said when it was made. It does not wait until
 * that has reached the name servers.
 */
export function restoreNames({ store, host, endpoints, nameServer, names, log }: RestoreOptions): void {
  const sandboxes = store.sandboxes().filter(({ mode }) => mode === 'bridge' || mode === 'shared')
  const ofNetworks = new Set(sandboxes.filter(({ mode }) => mode === 'bridge').map(({ namespace }) => namespace?.id))
  for (const { id, endpoints: own } of store.namespaces())
    if (own.length > 0 || ofNetworks.has(id))
      nameServer.open(id, host.namespacePath(id)).catch((error: unknown) => {
        log.error({ err: error, namespace: id }, 'a container cannot resolve names until it is started again')
      })
  for (const sandbox of sandboxes) {
    if (sandbox.namespace === undefined) continue
    const wires = endpoints.wiresOf(sandbox.namespace)
    if (sandbox.mode === 'bridge') names.introduce(sandbox, wires)
    else if (wires.length > 0) names.see(sandbox, wires)
  }
}
