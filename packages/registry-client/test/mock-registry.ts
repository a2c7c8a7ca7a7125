import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Resolver } from '../src/http/agents.ts'
import {
  type CredentialSource,
  createRegistryClient,
  type RegistryClient,
  registriesConfig,
  registryHosts,
} from '../src/index.ts'

export interface MockRegistry extends AsyncDisposable {
  /** "127.0.0.1:43215". */
  readonly address: string
  readonly port: number
  /** "GET /v2/a/manifests/1", oldest first. */
  readonly asked: readonly string[]
  /** Headers of the same requests. */
  readonly headers: readonly IncomingMessage['headers'][]
  connections(): number
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => unknown

/** A server that answers as the test wants; `count` is how many requests came before. */
export async function mockRegistry(handler: Handler, tls?: ServerOptions): Promise<MockRegistry> {
  const asked: string[] = []
  const headers: IncomingMessage['headers'][] = []
  let connections = 0
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    response.on('error', () => {})
    handler(request, response, asked.length - 1)
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    port,
    asked,
    headers,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface TestClientOptions {
  readonly config?: object
  readonly credentials?: CredentialSource
  readonly resolver?: Resolver
  readonly idleMs?: number
  readonly attempts?: number
}

/** A client that does not wait long. */
export function testClient(options: TestClientOptions = {}): RegistryClient {
  return createRegistryClient({
    hosts: registryHosts(registriesConfig.parse(options.config)),
    credentials: options.credentials ?? { find: async () => undefined },
    retry: { attempts: options.attempts ?? 3, firstDelayMs: 2, maxDelayMs: 10, maxRetryAfterMs: 1_000 },
    idleMs: options.idleMs ?? 5_000,
    ...(options.resolver && { resolver: options.resolver }),
  })
}
