import { readFile } from 'node:fs/promises'
import { invalid } from '@caisson/api'
import { z } from 'zod'
import { type HelperPrograms, runHelper } from './helper.ts'
import { namesOf, normalName } from './names.ts'
import type { CredentialSource, RegistryAuth } from './source.ts'

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
})

const configSchema = z.object({
  auths: z.record(z.string(), entrySchema).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().default(''),
})

type DockerConfig = z.infer<typeof configSchema>

const MAX_BYTES = 1 << 20
/** Docker's helpers keep Docker Hub under this name. */
const DOCKER_HUB_SERVER = 'https://index.docker.io/v1/'

/**
 * Reads a config.json as docker, podman and skopeo write it, anew for each look-up: people log in meanwhile. A missing
 * file holds nothing. Helpers are run only by the file that `helpers` names for them; a helper that is named nowhere is
 * an error that says so. Throws invalid-argument DOCKER_CONFIG_INVALID.
 */
export function dockerConfigCredentials(file: string, helpers: HelperPrograms = {}): CredentialSource {
  return {
    async find(registry, repository, signal) {
      const config = await readConfig(file)
      const names = namesOf(registry, repository)
      const helper = pick(config.credHelpers, names)
      if (helper !== undefined) return await runHelper(helpers, helper, serverOf(registry), signal)
      const stored = authOf(file, pick(config.auths, names))
      if (stored !== undefined || config.credsStore === '') return stored
      return await runHelper(helpers, config.credsStore, serverOf(registry), signal)
    },
  }
}

const serverOf = (registry: string): string => (normalName(registry) === 'docker.io' ? DOCKER_HUB_SERVER : registry)

function pick<T>(entries: Readonly<Record<string, T>>, names: readonly string[]): T | undefined {
  const byName = new Map(Object.entries(entries).map(([name, entry]) => [normalName(name), entry]))
  const name = names.find((candidate) => byName.has(candidate))
  return name === undefined ? undefined : byName.get(name)
}

async function readConfig(file: string): Promise<DockerConfig> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return configSchema.parse({})
    throw refused(file, 'it cannot be read', error)
  }
  if (text.length > MAX_BYTES) throw refused(file, `it has more than ${MAX_BYTES} bytes`)
  const parsed = configSchema.safeParse(jsonOf(file, text))
  if (parsed.success) return parsed.data
  throw refused(file, parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
}

/** What JSON.parse says holds a piece of the text: that may be a password. */
function jsonOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refused(file, 'it is not JSON')
  }
}

/** Undefined for an entry that says nothing: docker leaves such behind when a helper keeps the secret. */
function authOf(file: string, entry: z.infer<typeof entrySchema> | undefined): RegistryAuth | undefined {
  if (!entry) return undefined
  if (entry.registrytoken) return { registryToken: entry.registrytoken }
  const [username, password] = entry.auth ? splitAuth(file, entry.auth) : [entry.username, entry.password]
  if (entry.identitytoken) return { ...(username && { username }), identityToken: entry.identitytoken }
  return username === undefined || username === '' ? undefined : { username, password: password ?? '' }
}

function splitAuth(file: string, auth: string): [string, string] {
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) throw refused(file, 'an "auth" in it is not base64 of user:password')
  return [text.slice(0, colon), text.slice(colon + 1).replaceAll('\0', '')]
}

function refused(file: string, why: string, cause?: unknown): Error {
  return invalid(`the credentials in ${file} cannot be used: ${why}`, {
    reason: 'DOCKER_CONFIG_INVALID',
    details: { file },
    cause,
  })
}
