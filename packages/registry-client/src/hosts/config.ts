import { z } from 'zod'

const file = z.string().startsWith('/', 'must be an absolute path')
const headers = z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), z.string().regex(/^[\x20-\x7e]{0,4096}$/))
const apiPath = z.string().regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /v2, without a slash at its end')
const hostName = z.string().regex(/^[A-Za-z0-9.:[\]-]{1,255}$/, 'must be a host name, with :PORT where it needs one')

/** How a server is reached and trusted. */
const serverSchema = z.strictObject({
  /** PEM: certificate authorities that are trusted besides the system's. */
  caFile: file.optional(),
  /** PEM: shows the server who we are. Sent to this server only. */
  clientCertificate: z.strictObject({ certFile: file, keyFile: file }).optional(),
  /** Added to each request to this server, and to no other. */
  headers: headers.default({}),
  /** Hosts that may be sent this server's credentials when it asks for tokens, besides those of its own site. */
  tokenHosts: z.array(hostName).default([]),
})

const mirrorSchema = serverSchema.extend({
  /** "https://mirror.example:5000"; http:// is used as it stands here. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => /^https?:\/\/[^/?#@]+\/?$/.test(url), 'must be scheme, host and port only'),
  /** Where the API begins. */
  apiPath: apiPath.default('/v2'),
  /** Put before each repository: "cache/hub/" makes library/debian cache/hub/library/debian. */
  repositoryPrefix: z
    .string()
    .regex(/^([a-z0-9._-]+\/)*$/, 'must be empty or parts of a name, with a slash at its end')
    .default(''),
  /** Whether tags may be looked up here; a mirror that lags behind is good for digests only. */
  resolvesTags: z.boolean().default(true),
})

const registrySchema = serverSchema.extend({
  /** Asked before the registry itself, in this order; never pushed to. */
  mirrors: z.array(mirrorSchema).max(16).default([]),
  /** Speak http without TLS. Default: only to 127.0.0.0/8, ::1 and localhost, unless caFile or clientCertificate is set. */
  plainHttp: z.boolean().optional(),
})

/**
 * By registry as it stands in references ("docker.io", "registry.example:5000"); "*" is for those that are not named. An
 * entry of a registry's own replaces "*" as a whole.
 */
export const registriesConfig = z.record(z.union([hostName, z.literal('*')]), registrySchema).default({})

export type RegistriesConfig = z.infer<typeof registriesConfig>
export type RegistryConfig = z.infer<typeof registrySchema>
export type MirrorConfig = z.infer<typeof mirrorSchema>
export type ServerConfig = z.infer<typeof serverSchema>

/** Of a registry that nothing is configured for. */
export const PLAIN_REGISTRY: RegistryConfig = registrySchema.parse({})
