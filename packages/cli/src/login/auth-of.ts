import type { RegistryAuth } from '@caisson/api/image'
import { authFilePath } from './auth-file.ts'

/**
 * What this user has logged in with, for a registry or a repository of it as it stands in references. Undefined: nothing,
 * and the service uses its own credentials.
 */
export async function authOf(
  reference: string,
  signal: AbortSignal,
  file = authFilePath(),
): Promise<RegistryAuth | undefined> {
  const [{ dockerConfigCredentials }, { parseReference }] = await Promise.all([
    import('@caisson/registry-client/credentials'),
    import('@caisson/oci'),
  ])
  const { registry, repository } = parseReference(reference)
  const found = await dockerConfigCredentials(file).find(registry, repository, signal)
  if (!found) return undefined
  const { username = '', password = '', identityToken = '', registryToken = '' } = found
  return { username, password, identityToken, registryToken }
}
