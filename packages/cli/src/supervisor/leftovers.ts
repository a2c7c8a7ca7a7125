import type { Layout } from '@caisson/api/layout'
import { pause } from '../pause.ts'
import { type ProcessIdentity, runs, signalProcess } from './process-identity.ts'
import { readState } from './state-file.ts'

/** Services that still run though their supervisor was killed: nobody would start them again. */
export function findLeftovers(layout: Layout): ProcessIdentity[] {
  return readState(layout).services.flatMap(({ process }) => (process && runs(process) ? [process] : []))
}

/** Stops services that were left: they hold the sockets and databases of those that are to come. */
export async function stopLeftovers(layout: Layout, graceMs: number): Promise<void> {
  const left = findLeftovers(layout)
  for (const process of left) signalProcess(process, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (left.some(runs) && Date.now() < deadline) await pause(20)
  for (const process of left) signalProcess(process, 'SIGKILL')
  while (left.some(runs)) await pause(20)
}
