import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import type { FastifyRequest } from 'fastify'

/** What is read of a body that nobody wants, so that the client gets to read why. */
const MOST_DRAINED = 16 << 20
const DRAIN_MS = 2_000

/** Whether a request has a body, which may be empty. */
export function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Its length, when the request says it. */
export function bodyLength({ headers }: FastifyRequest): number | undefined {
  return headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
}

/** Reads a whole body of at most `most` bytes; never holds more. Throws MANIFEST_TOO_LARGE. */
export async function readBody(request: FastifyRequest, most: number): Promise<Buffer> {
  if ((bodyLength(request) ?? 0) > most) throw tooLarge(most)
  const pieces: Buffer[] = []
  let length = 0
  const { raw } = request
  const onData = (piece: Buffer): void => {
    length += piece.length
    if (length > most) raw.pause()
    else pieces.push(piece)
  }
  return await new Promise<Buffer>((resolve, reject) => {
    const finish = (act: () => void) => {
      raw.off('data', check).off('end', end).off('error', fail).off('close', cut)
      act()
    }
    const check = (piece: Buffer): void => {
      onData(piece)
      if (length > most) finish(() => reject(tooLarge(most)))
    }
    const end = (): void => finish(() => resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)))
    const fail = (error: Error): void => finish(() => reject(error))
    const cut = (): void => finish(() => reject(new CaissonError('cancelled', 'the client went away')))
    raw.on('data', check).on('end', end).on('error', fail).on('close', cut)
  })
}

/** Reads on for a while where a request is refused before its end. Returns whether the end came. */
export async function drain(request: FastifyRequest): Promise<boolean> {
  const { raw } = request
  if (raw.readableEnded) return true
  // Nobody reads the rest: another request on this connection would wait behind it for good.
  if (raw.destroyed) return raw.complete
  if ((bodyLength(request) ?? 0) > 4 * MOST_DRAINED) return false
  const abort = new AbortController()
  let seen = 0
  raw.on('data', (piece: Buffer) => {
    seen += piece.length
    if (seen > MOST_DRAINED) abort.abort()
  })
  raw.resume()
  const ended = once(raw, 'end', { signal: abort.signal }).then(
    () => true,
    () => false,
  )
  const late = sleep(DRAIN_MS, false, { signal: abort.signal }).catch(() => false)
  const result = await Promise.race([ended, late])
  abort.abort()
  return result
}

function tooLarge(most: number): CaissonError {
  return new CaissonError('invalid-argument', `a manifest has at most ${most} bytes`, { reason: 'MANIFEST_TOO_LARGE' })
}
