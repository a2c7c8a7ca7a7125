import { unavailable } from '@caisson/api'

/**
 * Runs work on a connection that counts as broken when `alive` is not called for a while: its signal is aborted then, and
 * UNAVAILABLE thrown. Throws the reason of `signal` when the caller gives up.
 */
export async function withoutIdling<T>(
  idleMs: number,
  signal: AbortSignal,
  work: (alive: () => void, connection: AbortSignal) => Promise<T>,
): Promise<T> {
  const idle = new AbortController()
  const timer = setTimeout(
    () => idle.abort(unavailable('REGISTRY_SILENT', `the registry sent nothing for ${idleMs} ms: try again later`)),
    idleMs,
  )
  try {
    return await work(() => timer.refresh(), AbortSignal.any([signal, idle.signal]))
  } catch (error) {
    signal.throwIfAborted()
    idle.signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
