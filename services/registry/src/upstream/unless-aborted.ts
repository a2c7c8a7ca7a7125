/** Waits for what goes on in any case. Throws the reason of the signal when that comes first. */
export async function unlessAborted<T>(wanted: Promise<T>, signal: AbortSignal): Promise<T> {
  const left = Promise.withResolvers<never>()
  const leave = (): void => left.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([wanted, left.promise])
  } finally {
    signal.removeEventListener('abort', leave)
    wanted.catch(() => {})
  }
}
