import { baseConfig } from '@caisson/service-kit'
import { z } from 'zod'

/** DIR/etc/runtime.json. */
export const configSchema = baseConfig.extend({
  /** First host id of the ranges that containers get; a multiple of 65536, and nobody else's. */
  idRangeStart: z.int().min(65_536).max(0xfffe_0000).multipleOf(65_536).default(0x7000_0000),
  /** How many ranges of 65536 ids there are: the most containers with a user namespace of their own. */
  idRangeCount: z.int().min(1).max(32_767).default(4_096),
  /** Milliseconds that a container may take to start. */
  startTimeoutMs: z.int().min(100).default(60_000),
  /** Milliseconds that the image store may take to prepare a root: it unpacks an image that is used for the first time. */
  prepareTimeoutMs: z.int().min(1_000).default(600_000),
  /**
   * Lets processes be moved between control groups at once, on this whole host (the cgroup mount option favordynmods). Without
   * it a start waits 10 to 20 ms for the kernel where cgroups of version 1 are in use.
   */
  favorCgroupMoves: z.boolean().default(true),
})

export type RuntimeConfig = z.infer<typeof configSchema>
