import { toTimestamp } from '@caisson/api'
import { type LogGap, type Output, OutputStream } from '@caisson/api/container'
import type { LogChunk, LogEntry, LogStreamName, LogGap as LostOutput } from '../log/entry.ts'
import { toCursor } from '../log/position.ts'

/** The most bytes of one message, when what was read one after another is put together. */
const MESSAGE_BYTES = 64 << 10

export type OutputMessage =
  | { readonly $case: 'output'; readonly value: Output }
  | { readonly $case: 'gap'; readonly value: LogGap }

/** Entries as messages, one each. */
export function toMessages(entries: readonly LogEntry[]): OutputMessage[] {
  return entries.map((entry) =>
    entry.kind === 'gap' ? { $case: 'gap', value: toGap(entry) } : { $case: 'output', value: toOutput([entry]) },
  )
}

/** Entries as few messages: what stands one behind another and went to the same stream is put together. */
export function toFewMessages(entries: readonly LogEntry[]): OutputMessage[] {
  const messages: OutputMessage[] = []
  let run: LogChunk[] = []
  let bytes = 0
  const flush = (): void => {
    if (run.length > 0) messages.push({ $case: 'output', value: toOutput(run) })
    run = []
    bytes = 0
  }
  for (const entry of entries) {
    if (entry.kind === 'gap') {
      flush()
      messages.push({ $case: 'gap', value: toGap(entry) })
      continue
    }
    const [first] = run
    if (first && (first.stream !== entry.stream || bytes + entry.data.length > MESSAGE_BYTES)) flush()
    run.push(entry)
    bytes += entry.data.length
  }
  flush()
  return messages
}

/** Chunks of one stream as one message; at least one. */
function toOutput(chunks: readonly LogChunk[]): Output {
  const [first] = chunks
  const last = chunks.at(-1)
  return {
    stream: first ? STREAM[first.stream] : OutputStream.UNSPECIFIED,
    data: first && chunks.length === 1 ? first.data : Buffer.concat(chunks.map((chunk) => chunk.data)),
    time: toTimestamp(first?.timeNs ?? 0n),
    cursor: last ? toCursor(last.next) : '',
  }
}

function toGap(gap: LostOutput): LogGap {
  const stream = gap.stream ? STREAM[gap.stream] : OutputStream.UNSPECIFIED
  return { stream, bytes: gap.bytes, reason: gap.reason }
}

const STREAM: Readonly<Record<LogStreamName, OutputStream>> = {
  stdout: OutputStream.STDOUT,
  stderr: OutputStream.STDERR,
}
