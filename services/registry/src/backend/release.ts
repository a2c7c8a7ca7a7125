/**
 * Gives the memory of bytes back now rather than when garbage is collected, unless others have a part of it; they are empty
 * then. Nothing may be writing or reading them any more.
 */
export function release(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0)
}
