import { z } from 'zod'

/** How content of other registries is fetched: the key `upstreams` of DIR/etc/registry.json. */
export const upstreamsConfig = z
  .strictObject({
    /** Most bytes of a blob. */
    maxBlobBytes: z
      .int()
      .min(1)
      .default(64 * 2 ** 30),
    /** Seconds that an upstream may be silent while it is waited for. */
    idleSeconds: z.number().min(0.1).default(30),
    /** Minutes after which a download is given up; the next one goes on with it. */
    downloadMinutes: z.number().min(0.001).default(120),
    /** Seconds that a download goes on when nobody waits for it any more. */
    lingerSeconds: z.number().min(0).default(30),
  })
  .prefault({})

export type UpstreamsConfig = z.infer<typeof upstreamsConfig>
