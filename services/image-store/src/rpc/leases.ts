import type { Handlers } from '@caisson/api'
import type { LeasesDefinition } from '@caisson/api/content'
import type { ImageStore } from '../service.ts'
import { fromPage, nextToken, toLease } from './convert.ts'

/** caisson.image.v1.Leases. */
export function leasesHandlers({ leases }: ImageStore): Handlers<typeof LeasesDefinition> {
  return {
    create: async ({ id, ttlSeconds, labels }) => toLease(leases.create(id, ttlSeconds, labels)),
    renew: async ({ id, ttlSeconds }) => toLease(leases.renew(id, ttlSeconds)),
    addResource: async ({ id, resource }) => toLease(leases.addResource(id, resource)),
    release: async ({ id }) => {
      leases.release(id)
      return {}
    },
    list: async ({ page }) => {
      const { after, limit } = fromPage(page)
      const rows = leases.list(after, limit)
      return { leases: rows.map(toLease), nextPageToken: nextToken(rows, limit, ({ id }) => id) }
    },
  }
}
