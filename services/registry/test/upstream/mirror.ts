import { type DockerRegistry, type DockerRegistryOptions, startDockerRegistry } from '@caisson/testkit'
import type { UpstreamRequest } from '../../src/upstream/checked-upstream.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { Client } from '../client.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '../registry.ts'

/** What is not said. Tags are checked each time. */
const PLAIN = {
  name: 'upstream.test',
  prefix: 'hub',
  username: '',
  password: '',
  tokenHosts: [],
  revalidateSeconds: 0,
  ca: '',
  insecure: false,
  privateNetwork: false,
  maxDownloads: 0,
} satisfies Omit<UpstreamRequest, 'url'>

/** Sets an upstream at a URL, `hub` unless something else is said. */
export async function setUpstream(
  registry: TestRegistry,
  url: string,
  more: Partial<UpstreamRequest> = {},
): Promise<Upstream> {
  return await registry.service.upstreams.set({ ...PLAIN, url, ...more }, false)
}

export interface Mirroring extends AsyncDisposable {
  readonly registry: TestRegistry
  readonly upstream: DockerRegistry
  /** Of the registry that mirrors. */
  readonly client: Client
  /** Of the upstream. */
  readonly source: Client
}

/** A registry, and Debian's docker-registry as its upstream below `hub/`. */
export async function startMirroring(
  options: TestRegistryOptions & {
    readonly upstream?: DockerRegistryOptions
    readonly settings?: Partial<UpstreamRequest>
  } = {},
): Promise<Mirroring> {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await startDockerRegistry(options.upstream))
  const registry = stack.use(await startRegistry(options))
  await setUpstream(registry, upstream.url, options.settings)
  const owned = stack.move()
  return {
    ...{ registry, upstream },
    client: new Client(registry.url),
    source: new Client(upstream.url),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
