import type { Logger } from '@caisson/service-kit'
import type { Endpoints } from '../sandbox/endpoints.ts'
import type { HostPort, SandboxStore } from '../sandbox/ports.ts'
import type { Namespace } from '../sandbox/sandbox.ts'
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

/** After a start, when kernel and records agree: says of every record what was said when it was made. */
export async function restoreNames({ store, host, endpoints, nameServer, names, log }: RestoreOptions): Promise<void> {
  const sandboxes = store.sandboxes().filter(({ mode }) => mode === 'bridge' || mode === 'shared')
  const ofNetworks = new Set(sandboxes.filter(({ mode }) => mode === 'bridge').map(({ namespace }) => namespace?.id))
  const open = async ({ id }: Namespace): Promise<void> => {
    try {
      await nameServer.open(id, host.namespacePath(id))
    } catch (error) {
      log.error({ err: error, namespace: id }, 'a container cannot resolve names until it is started again')
    }
  }
  const opened = store
    .namespaces()
    .filter(({ id, endpoints: own }) => own.length > 0 || ofNetworks.has(id))
    .map(open)
  for (const sandbox of sandboxes) {
    if (sandbox.namespace === undefined) continue
    const wires = endpoints.wiresOf(sandbox.namespace)
    if (sandbox.mode === 'bridge') names.introduce(sandbox, wires)
    else if (wires.length > 0) names.see(sandbox, wires)
  }
  await Promise.all(opened)
}
