import { z } from 'zod'
import { dockerConfigCredentials } from './docker-config.ts'
import { type CredentialSource, firstOf } from './source.ts'

const file = z.string().startsWith('/', 'must be an absolute path')

/** Where a service finds credentials by itself. */
export const credentialsConfig = z
  .strictObject({
    /** config.json files of docker, podman or skopeo, asked in this order; read anew for each use. */
    dockerConfigs: z.array(file).max(16).default([]),
    /** The program of each credential helper that these files may name: { "pass": "/usr/bin/docker-credential-pass" }. */
    helpers: z.record(z.string(), file).default({}),
  })
  .prefault({})

export type CredentialsConfig = z.infer<typeof credentialsConfig>

export function configuredCredentials({ dockerConfigs, helpers }: CredentialsConfig): CredentialSource {
  return firstOf(...dockerConfigs.map((path) => dockerConfigCredentials(path, helpers)))
}
