import { setTimeout } from 'node:timers/promises'

/** Waits for some milliseconds; an abort ends it early with the signal's reason. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, signal ? { signal } : {})
  } catch (thrown) {
    signal?.throwIfAborted()
    throw thrown
  }
}
