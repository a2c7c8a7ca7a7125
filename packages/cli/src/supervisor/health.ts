import { existsSync } from 'node:fs'
import { Channel, HealthDefinition, type ServiceName, ServingStatus } from '@caisson/api'
import { socketAddress } from '@caisson/api/address'
import type { Layout } from '@caisson/api/layout'
import { pause } from '../pause.ts'

export type ServiceHealth = 'serving' | 'not serving' | 'not reachable'

/** Asks a service for its health; what does not answer within `timeoutMs` is not reachable. */
export async function askHealth(layout: Layout, service: ServiceName, timeoutMs: number): Promise<ServiceHealth> {
  const address = socketAddress(layout.runDir, service)
  if (!existsSync(address.slice('unix://'.length))) return 'not reachable'
  using channel = new Channel(address)
  try {
    const { status } = await channel.client(HealthDefinition).check({}, { deadlineMs: timeoutMs })
    return status === ServingStatus.SERVING ? 'serving' : 'not serving'
  } catch {
    // Whatever the transport says, it comes to the same.
    return 'not reachable'
  }
}

/** Waits until a service serves. False when it did not until the deadline (milliseconds since 1970) or the abort. */
export async function waitUntilServing(
  layout: Layout,
  service: ServiceName,
  deadline: number,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted && Date.now() < deadline) {
    if ((await askHealth(layout, service, 2_000)) === 'serving') return true
    await pause(25)
  }
  return false
}
