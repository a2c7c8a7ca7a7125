import type { Writable } from 'node:stream'

/** Waits until everything that was written has reached the other side: the end of the process would drop the rest. */
export async function flush(...streams: readonly Writable[]): Promise<void> {
  await Promise.all(streams.map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))))
}
