import { z } from 'zod'
import type { RepositoryName } from '../distribution/names.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** An upstream as the backend's documents hold it, by its name. The password is in it: what reads documents is trusted. */
export const upstreamDocument = z
  .object({
    name: z.string(),
    url: z.string(),
    prefix: z.string().transform((prefix) => prefix as RepositoryName),
    credentials: z.object({ username: z.string(), password: z.string() }).optional(),
    tokenHosts: z.array(z.string()),
    revalidateSeconds: z.number(),
    ca: z.string(),
    insecure: z.boolean(),
    privateNetwork: z.boolean(),
    maxDownloads: z.number(),
  })
  .transform(({ credentials, ...rest }): Upstream => ({ ...rest, ...(credentials && { credentials }) }))
