import type { ServiceName } from '@caisson/api'
import type { LoopDisk, TestEngine } from '@caisson/testkit'

/** How often the power is cut in a test file. */
export const POINTS = Number(process.env['CAISSON_POWER_CUTS'] ?? 6)
/** Printed when something fails: the same seed gives the same moments, as far as the machine is as fast. */
export const SEED = Number(process.env['CAISSON_POWER_CUT_SEED'] ?? Date.now() % 1_000_000)
/** Points on one disk, so that it does not fill up. */
export const POINTS_PER_DISK = 20
const MOST_TRIES = 200

/** Numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** Takes a copy of the disk as a power cut would leave it, while the service that writes to it stands still. */
export function cutPower(disk: LoopDisk, engine: TestEngine, service: ServiceName): LoopDisk {
  const group = -engine.pid(service)
  process.kill(group, 'SIGSTOP')
  try {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const copy = disk.cut()
      if (copy) return copy
    }
    throw new Error('the disk is never quiet')
  } finally {
    process.kill(group, 'SIGCONT')
  }
}
