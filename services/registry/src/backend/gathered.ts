import { finished, type Readable } from 'node:stream'

/** Pieces that are gathered at most, however small: each costs more than its bytes. */
const MOST_PIECES = 256

/**
 * What a body brings, as it comes: while one batch is worked on the next is gathered, of about `most` bytes at most; then
 * the sender waits. What arrived before the body broke is yielded before its error is thrown. Leaving early stops the body.
 */
export async function* gathered(body: Readable, most: number): AsyncGenerator<Buffer[]> {
  let pieces: Buffer[] = []
  let bytes = 0
  let end: { readonly error?: Error } | undefined
  let wake = (): void => {}
  const onData = (piece: Buffer): void => {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= most || pieces.length >= MOST_PIECES) body.pause()
    wake()
  }
  const onEnd = (error?: Error): void => {
    end ??= error === undefined ? {} : { error }
    wake()
  }
  const stop = finished(body, { writable: false }, (error) => onEnd(error ?? undefined))
  body.on('data', onData)
  try {
    for (;;) {
      if (pieces.length > 0) {
        const batch = pieces
        pieces = []
        bytes = 0
        if (end === undefined) body.resume()
        yield batch
      } else if (end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      } else if (end.error !== undefined) {
        throw end.error
      } else {
        return
      }
    }
  } finally {
    body.off('data', onData)
    stop()
    if (end === undefined) body.pause()
  }
}
