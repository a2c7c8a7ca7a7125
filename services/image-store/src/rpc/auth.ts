import type { RegistryAuth as WireAuth } from '@caisson/api/image'
import type { RegistryAuth } from '../registry/ports.ts'

/** What is empty was not said; nothing said at all leaves it to the service's own credentials. */
export function fromAuth(auth: WireAuth | undefined): RegistryAuth | undefined {
  const said = Object.entries(auth ?? {}).filter(([, value]) => value !== '')
  return said.length > 0 ? Object.fromEntries(said) : undefined
}
