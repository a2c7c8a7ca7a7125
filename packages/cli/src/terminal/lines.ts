const NEWLINE = 0x0a

/** Puts a stamp before every line of several streams whose lines may come in pieces. */
export class LineStamper {
  readonly #inLine = new Set<number>()

  stamp(stream: number, stamp: string, data: Uint8Array): Buffer {
    const pieces: Uint8Array[] = []
    for (const piece of splitAfterNewlines(data)) {
      if (!this.#inLine.has(stream)) pieces.push(Buffer.from(stamp))
      pieces.push(piece)
      if (piece.at(-1) === NEWLINE) this.#inLine.delete(stream)
      else this.#inLine.add(stream)
    }
    return Buffer.concat(pieces)
  }
}

export interface Line<S> {
  readonly stream: S
  /** When its first byte was written, nanoseconds since 1970. */
  readonly timeNs: bigint
  /** Without the line's end. */
  readonly line: string
}

/** The most bytes of a line that are kept together: a longer one is given out in pieces. */
const LONGEST = 1 << 20

/** Gives out whole lines of several streams whose lines may come in pieces. */
export class LineSplitter<S> {
  readonly #give: (line: Line<S>) => void
  readonly #open = new Map<S, { timeNs: bigint; pieces: Uint8Array[]; bytes: number }>()

  constructor(give: (line: Line<S>) => void) {
    this.#give = give
  }

  add(stream: S, timeNs: bigint, data: Uint8Array): void {
    for (const piece of splitAfterNewlines(data)) {
      const open = this.#open.get(stream) ?? { timeNs, pieces: [], bytes: 0 }
      const ended = piece.at(-1) === NEWLINE
      open.pieces.push(ended ? piece.subarray(0, -1) : piece)
      open.bytes += piece.length
      this.#open.set(stream, open)
      if (ended || open.bytes >= LONGEST) this.#close(stream)
    }
  }

  /** Gives out what has no line end yet. */
  end(): void {
    for (const stream of this.#open.keys()) this.#close(stream)
  }

  #close(stream: S): void {
    const open = this.#open.get(stream)
    if (!open) return
    this.#open.delete(stream)
    this.#give({ stream, timeNs: open.timeNs, line: Buffer.concat(open.pieces).toString('utf8') })
  }
}

function splitAfterNewlines(data: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let from = 0; from < data.length; ) {
    const at = data.indexOf(NEWLINE, from)
    const to = at < 0 ? data.length : at + 1
    pieces.push(data.subarray(from, to))
    from = to
  }
  return pieces
}
