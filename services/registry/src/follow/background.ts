import { type Patience, untilDone } from './until-done.ts'

/** Work that goes on until it is disposed, and is begun anew when it fails. Disposing waits for its end. */
export function background(work: (signal: AbortSignal) => Promise<void>, patience: Patience): AsyncDisposable {
  const stop = new AbortController()
  const { signal } = stop
  const ended = untilDone(() => work(signal), patience, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}
