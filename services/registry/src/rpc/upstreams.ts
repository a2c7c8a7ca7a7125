import type { Handlers, Partially } from '@caisson/api'
import type { UpstreamsDefinition, Upstream as WireUpstream } from '@caisson/api/registry'
import type { Upstream } from '../upstream/upstream.ts'
import type { Upstreams } from '../upstream/upstreams.ts'

/** caisson.registry.v1.Upstreams */
export function upstreamsHandlers(upstreams: Upstreams): Handlers<typeof UpstreamsDefinition> {
  return {
    set: async ({ adopt, ...request }) => toUpstream(await upstreams.set(request, adopt)),
    list: async () => ({ upstreams: (await upstreams.list()).map(toUpstream) }),
    delete: async ({ name }) => {
      await upstreams.delete(name)
      return {}
    },
  }
}

/** Without the password. */
const toUpstream = ({ credentials, tokenHosts, ...rest }: Upstream): Partially<WireUpstream> => ({
  ...rest,
  tokenHosts: [...tokenHosts],
  username: credentials?.username ?? '',
})
