import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { type LogGap, type Output, OutputStream } from '@caisson/api/container'

/** Where the output of a container goes to. */
export interface Sinks {
  readonly stdout: Writable
  readonly stderr: Writable
}

/** Writes bytes of a container to the stream of the same name, and waits whenever the reader does not keep up. */
export async function writeOutput(sinks: Sinks, output: Output): Promise<void> {
  const sink = output.stream === OutputStream.STDERR ? sinks.stderr : sinks.stdout
  if (!sink.write(output.data)) await once(sink, 'drain')
}

/** Says in words that output is missing. */
export function describeGap(gap: LogGap): string {
  const amount = gap.bytes > 0 ? `${gap.bytes} bytes of output are` : 'output is'
  return `caisson: ${amount} missing here (${gap.reason || 'reason not known'})`
}
