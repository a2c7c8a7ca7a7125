import type { LogChunk, LogStreamName } from './entry.ts'
import { comparePositions, type LogPosition } from './position.ts'

const NEWLINE = 0x0a

/** Where a stream's wanted bytes begin: a record, and the bytes of its payload to leave out. */
interface StreamStart {
  readonly at: LogPosition
  readonly skip: number
}

/** Where the last lines begin, for each stream on its own: their lines may lie between each other. */
export interface TailStart {
  /** Where to begin to read. */
  readonly from: LogPosition
  /** What to keep of an entry: all, a part, or nothing. */
  keep(chunk: LogChunk): LogChunk | undefined
}

interface StreamState {
  /** A line that is counted, whose beginning has not been seen. */
  open: boolean
  start: StreamStart | undefined
}

/**
 * Finds where the last lines of a log begin, given its chunks from the last to the first. Lines of both streams count
 * together, in the order of their ends; what a stream has behind its last newline is a line too.
 */
export class LineCounter {
  readonly #wanted: number
  readonly #streams = new Map<LogStreamName, StreamState>()
  #counted = 0

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  /** Whether earlier chunks cannot change anything. */
  get done(): boolean {
    return this.#counted >= this.#wanted && [...this.#streams.values()].every((state) => !state.open)
  }

  /** The counter as it is now, to come back to. */
  copy(): LineCounter {
    const copy = new LineCounter(this.#wanted)
    copy.#counted = this.#counted
    for (const [stream, state] of this.#streams) copy.#streams.set(stream, { ...state })
    return copy
  }

  /** Goes through one more chunk. */
  add(chunk: LogChunk): void {
    if (chunk.data.length === 0) return
    const state = this.#streams.get(chunk.stream) ?? this.#first(chunk)
    for (let end = chunk.data.length; end > 0 && !this.#closed(state); ) {
      const newline = chunk.data.lastIndexOf(NEWLINE, end - 1)
      if (newline < 0) return
      state.start = { at: chunk.at, skip: newline + 1 }
      state.open = this.#count()
      end = newline
    }
  }

  /** Where the lines begin, when the log begins at `beginning` and ends at `end`. */
  result(beginning: LogPosition, end: LogPosition): TailStart {
    const starts = new Map<LogStreamName, StreamStart>()
    for (const [stream, { open, start }] of this.#streams) {
      if (open) starts.set(stream, { at: beginning, skip: 0 })
      else if (start) starts.set(stream, start)
    }
    const all = this.#counted < this.#wanted
    const places = [...starts.values()].map((start) => start.at)
    const from = all ? beginning : places.reduce((a, b) => (comparePositions(a, b) <= 0 ? a : b), end)
    return { from, keep: (chunk) => (all ? chunk : cut(chunk, starts.get(chunk.stream), end)) }
  }

  #first(chunk: LogChunk): StreamState {
    const state: StreamState = { open: false, start: { at: chunk.at, skip: chunk.data.length } }
    this.#streams.set(chunk.stream, state)
    if (chunk.data.at(-1) !== NEWLINE) state.open = this.#count()
    return state
  }

  /** Nothing more can change for the stream: its first counted line is known to begin where it does. */
  #closed(state: StreamState): boolean {
    return !state.open && this.#counted >= this.#wanted
  }

  #count(): boolean {
    if (this.#counted >= this.#wanted) return false
    this.#counted += 1
    return true
  }
}

function cut(chunk: LogChunk, start: StreamStart | undefined, end: LogPosition): LogChunk | undefined {
  // What was written after the lines were counted belongs to them.
  if (comparePositions(chunk.at, end) >= 0) return chunk
  if (!start) return undefined
  const order = comparePositions(chunk.at, start.at)
  if (order < 0) return undefined
  if (order > 0 || start.skip === 0) return chunk
  return start.skip >= chunk.data.length ? undefined : { ...chunk, data: chunk.data.subarray(start.skip) }
}
