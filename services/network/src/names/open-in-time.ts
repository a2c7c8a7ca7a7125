import { CaissonError } from '@caisson/api'
import type { NameServer } from './ports.ts'

const LONGEST_WAIT_MS = 5_000

/** Opens the name server of a namespace; throws NAME_SERVER_UNAVAILABLE when that takes too long. */
export async function openInTime(
  nameServer: Pick<NameServer, 'open'>,
  namespaceId: string,
  path: string,
  longestWaitMs = LONGEST_WAIT_MS,
): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(unavailable()), longestWaitMs)
  try {
    await Promise.race([nameServer.open(namespaceId, path), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const unavailable = (): CaissonError =>
  new CaissonError(
    'unavailable',
    'the resolver of containers does not start: the log of the network service says why; try again when that is mended',
    { reason: 'NAME_SERVER_UNAVAILABLE' },
  )
