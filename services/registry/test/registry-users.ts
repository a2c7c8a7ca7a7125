import assert from 'node:assert/strict'
import type { Administration } from '../src/access/administration.ts'
import type { Grant } from '../src/access/grant.ts'
import { parsePattern } from '../src/access/pattern.ts'
import type { Right } from '../src/access/right.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from './registry.ts'

export interface RegistryWithUsers extends TestRegistry {
  readonly administration: Administration
}

/** A registry that asks who comes. */
export async function startWithUsers(options: TestRegistryOptions = {}): Promise<RegistryWithUsers> {
  const registry = await startRegistry({
    ...options,
    config: { access: 'users', policy: { deletes: true }, ...options.config, port: 0 },
  })
  assert.ok(registry.access)
  return { ...registry, administration: registry.access.administration }
}

export const PASSWORD = 'correct horse battery staple'

/** `grant('team/*', 'pull', 'push')` */
export const grant = (repositories: string, ...rights: Right[]): Grant => ({
  repositories: parsePattern(repositories),
  rights,
})

export const basic = (username: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
})

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

export interface TokenAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: {
    readonly token?: string
    readonly access_token?: string
    readonly refresh_token?: string
    readonly expires_in?: number
    readonly issued_at?: string
    readonly scope?: string
    readonly error?: string
    readonly errors?: readonly { readonly code: string; readonly message: string }[]
  }
}

/** GET of the token service. */
export async function getToken(
  url: string,
  {
    scopes = [],
    headers = {},
    ...rest
  }: { scopes?: readonly string[]; headers?: Record<string, string>; [key: string]: unknown },
): Promise<TokenAnswer> {
  const query = new URLSearchParams({
    service: 'caisson-registry',
    client_id: 'test',
    ...(rest as Record<string, string>),
  })
  for (const scope of scopes) query.append('scope', scope)
  return await answerOf(await fetch(`${url}/token?${query}`, { headers }))
}

/** POST of the token service. */
export async function postToken(url: string, form: Record<string, string> | string[][]): Promise<TokenAnswer> {
  return await answerOf(await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) }))
}

async function answerOf(response: Response): Promise<TokenAnswer> {
  return { status: response.status, headers: response.headers, body: (await response.json()) as TokenAnswer['body'] }
}

/** What a token says that it lets do: "team/app:pull,push". */
export function accessIn({ body }: TokenAnswer): string[] {
  const payload = JSON.parse(Buffer.from(body.token?.split('.')[1] ?? '', 'base64url').toString()) as {
    access: { type: string; name: string; actions: string[] }[]
  }
  return payload.access.map(({ name, actions }) => `${name}:${actions.join(',')}`)
}

/** Status of a request below /v2/, its body read. */
export async function statusOf(
  registry: TestRegistry,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<number> {
  const response = await fetch(`${registry.url}/v2/${path}`, { method, headers })
  await response.arrayBuffer()
  return response.status
}
