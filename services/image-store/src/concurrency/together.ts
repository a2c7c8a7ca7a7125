/**
 * Runs work side by side and resolves when all of it is done. The first that fails, or the end of the caller's patience,
 * aborts the rest; it rejects with that reason once nothing runs any more.
 */
export async function together<T extends readonly unknown[]>(
  signal: AbortSignal,
  start: (signal: AbortSignal) => readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const failed = new AbortController()
  const running = start(AbortSignal.any([signal, failed.signal]))
  for (const one of running) one.catch((error: unknown) => failed.abort(error))
  const settled = await Promise.allSettled(running)
  signal.throwIfAborted()
  failed.signal.throwIfAborted()
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as unknown as T
}
