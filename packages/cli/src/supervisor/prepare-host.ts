import { type ServiceName, socketAddress } from '@caisson/api/address'
import { failedPrecondition } from '@caisson/api/error'
import type { Layout } from '@caisson/api/layout'
import { makeDirectory } from './make-directory.ts'

/** Services need root: says so before anything is begun. */
export function requireRoot(): void {
  if (process.geteuid?.() !== 0)
    throw failedPrecondition(
      'NOT_ROOT',
      'the services need root for namespaces, mounts and networks: run this command as root',
    )
}

/** Sees to it that services can be started: root, and the folders of the engine. */
export function prepareHost(layout: Layout, services: readonly ServiceName[]): void {
  requireRoot()
  // Refuses a root whose sockets would have too long a path, before anything is made in it.
  for (const service of services) socketAddress(layout.runDir, service)
  // Containers' users pass through the root, and can list nothing of it.
  if (layout.root !== '') makeDirectory(layout.root, 0o711)
  makeDirectory(layout.runDir, 0o711)
  makeDirectory(layout.logDir, 0o700)
}
