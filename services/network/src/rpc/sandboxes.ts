import { type Handlers, invalid } from '@caisson/api'
import type { SandboxesDefinition } from '@caisson/api/network'
import type { Ipv4 } from '../ipam/ipv4.ts'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { HostPort } from '../sandbox/ports.ts'
import type { Sandboxes } from '../sandbox/sandboxes.ts'
import type { Bandwidths } from '../shaping/bandwidths.ts'
import { networkReference, sandboxId } from './checks.ts'
import { countersMessage, sandboxMessage } from './convert.ts'
import { bandwidthChange } from './convert-bandwidth.ts'
import { portsOf } from './convert-ports.ts'
import { connectionOf, sandboxRequestOf } from './convert-request.ts'
import { pageOf } from './page.ts'

export type SandboxesDeps = {
  readonly sandboxes: Sandboxes
  readonly networks: Networks
  readonly publications: Pick<Publications, 'of'>
  readonly bandwidths: Pick<Bandwidths, 'of'>
  readonly host: Pick<HostPort, 'namespacePath'>
  /** Where ports are published that name no address; undefined: on every one. */
  readonly publishAddress: Ipv4 | undefined
}

const MOST_AT_ONCE = 16

/** caisson.network.v1.Sandboxes */
export function sandboxesHandlers({
  sandboxes,
  networks,
  publications,
  bandwidths,
  host,
  publishAddress,
}: SandboxesDeps): Handlers<typeof SandboxesDefinition> {
  const around = {
    bridge: (id: string) => networks.bridge(id),
    namespacePath: (id: string) => host.namespacePath(id),
    ports: (id: string) => publications.of(id),
    bandwidth: (id: string) => bandwidths.of(id),
  }
  return {
    create: async (request, { requestId, signal }) =>
      sandboxMessage(await sandboxes.create(sandboxRequestOf(request, publishAddress), requestId, signal), around),
    createAll: async (request, { requestId, signal }) => {
      if (request.sandboxes.length > MOST_AT_ONCE) throw invalid(`at most ${MOST_AT_ONCE} sandboxes are made at once`)
      const wishes = request.sandboxes.map((wish) => sandboxRequestOf(wish, publishAddress))
      const made = await sandboxes.createAll(wishes, requestId, signal)
      return { sandboxes: made.map((sandbox) => sandboxMessage(sandbox, around)) }
    },
    get: async ({ id }) => sandboxMessage(sandboxes.get(sandboxId(id)), around),
    list: async ({ page, network }) => {
      const wanted = network === '' ? undefined : networks.find(networkReference(network)).id
      const all = sandboxes.list()
      const listed =
        wanted === undefined
          ? all
          : all.filter(({ namespace }) => namespace?.endpoints.some(({ networkId }) => networkId === wanted))
      const { items, nextPageToken } = pageOf(listed, page)
      return { sandboxes: items.map((sandbox) => sandboxMessage(sandbox, around)), nextPageToken }
    },
    delete: async ({ id, moreIds }, { requestId }) => {
      for (const each of [id, ...moreIds].map(sandboxId)) await sandboxes.delete(each, requestId)
      return {}
    },
    counters: async ({ sandboxIds }) => ({
      interfaces: (await sandboxes.counters(sandboxIds.map(sandboxId))).map(countersMessage),
    }),
    connect: async (request, { requestId }) =>
      sandboxMessage(
        await sandboxes.connect(sandboxId(request.sandboxId), connectionOf(request.attachment), requestId),
        around,
      ),
    disconnect: async (request, { requestId }) =>
      sandboxMessage(
        await sandboxes.disconnect(
          sandboxId(request.sandboxId),
          networkReference(request.network),
          request.force,
          requestId,
        ),
        around,
      ),
    update: async ({ id, ports, egressBitsPerSecond, ingressBitsPerSecond }, { requestId }) => {
      const change = {
        ports: ports && portsOf(ports.ports, publishAddress),
        bandwidth: bandwidthChange(egressBitsPerSecond, ingressBitsPerSecond),
      }
      return sandboxMessage(await sandboxes.update(sandboxId(id), change, requestId), around)
    },
  }
}
