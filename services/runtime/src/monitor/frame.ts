/**
 * Frames of the control protocol (native/src/control.h): u32 bytes of payload, u32 type, payload; little endian, the
 * same both ways.
 */

/** The most bytes a payload may have. */
export const MAX_PAYLOAD = 65_536

const HEADER_BYTES = 8

/** A frame that breaks its shape: the connection is of no more use. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** One frame as bytes. The payload must fit. */
export function encodeFrame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  if (payload.length > MAX_PAYLOAD) throw new FrameError(`a payload of ${payload.length} bytes is too long`)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
  frame.writeUInt32LE(payload.length, 0)
  frame.writeUInt32LE(type, 4)
  frame.set(payload, HEADER_BYTES)
  return frame
}

export interface Frame {
  readonly type: number
  readonly payload: Buffer
}

/** Cuts a stream of bytes into frames. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0)

  /** Takes bytes as they come and returns the frames that are whole now. Throws FrameError on a length over the limit. */
  push(chunk: Buffer): Frame[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUInt32LE(0)
      if (length > MAX_PAYLOAD) throw new FrameError(`a frame says it has ${length} bytes`)
      const end = HEADER_BYTES + length
      if (bytes.length < end) break
      frames.push({ type: bytes.readUInt32LE(4), payload: bytes.subarray(HEADER_BYTES, end) })
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
    return frames
  }
}
