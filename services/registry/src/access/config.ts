import { z } from 'zod'

/** How users are let in: the key `accounts` of DIR/etc/registry.json. */
export const accessConfig = z
  .strictObject({
    /** What tokens are for: told to clients, and the same in all processes of a pool. */
    service: z
      .string()
      .regex(/^[A-Za-z0-9._:/ -]{1,255}$/, 'must be printable and short')
      .default('caisson-registry'),
    /** Seconds that an access token holds. */
    tokenLifeSeconds: z.int().min(60).max(300).default(300),
    /** Days after which the key that signs them is replaced. */
    keyRotationDays: z.int().min(1).max(365).default(7),
    /** The first administrator, who is made when there is no user at all. */
    adminName: z.string().default('admin'),
    /** File with the first administrator's password. Absent: one is made up and written to a file. */
    adminPasswordFile: z.string().min(1).optional(),
  })
  .prefault({})

export type AccessConfig = z.infer<typeof accessConfig>
