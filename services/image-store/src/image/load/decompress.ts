import { pipeline, Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { malformed, truncated, unreadCompression } from './archive-error.ts'
import { ByteReader } from './byte-reader.ts'

/** 128 MiB. */
const WINDOW_LOG_MAX = 27

/** The plain bytes of an archive that may be compressed, told by its first bytes: gzip, zstd or plain. */
export async function decompress(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const reader = new ByteReader(chunks)
  const first = await reader.upTo(6)
  reader.unread(first)
  const rest = reader.remaining()
  if (first.subarray(0, 2).equals(Buffer.of(0x1f, 0x8b))) return inflate(rest, createGunzip())
  if (first.subarray(0, 4).equals(Buffer.of(0x28, 0xb5, 0x2f, 0xfd)))
    return inflate(rest, createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX } }))
  if (first.equals(Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)) || first.toString('latin1').startsWith('BZh'))
    throw unreadCompression('the archive')
  return rest
}

async function* inflate(
  chunks: AsyncIterable<Buffer>,
  inflater: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
): AsyncGenerator<Uint8Array> {
  let sourceFailure: unknown
  async function* source(): AsyncGenerator<Buffer> {
    try {
      yield* chunks
    } catch (error) {
      sourceFailure = error
      throw error
    }
  }
  // The failure is that of the loop below.
  pipeline(Readable.from(source(), { objectMode: false }), inflater, () => {})
  try {
    for await (const chunk of inflater) yield chunk
  } catch (error) {
    if (sourceFailure !== undefined) throw sourceFailure
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'Z_BUF_ERROR' || code === 'ZSTD_error_srcSize_wrong') throw truncated()
    if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_ZLIB')
      throw malformed(`it does not inflate: ${code}`)
    throw error
  }
}
