import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Digest } from '@caisson/oci'
import type { TreeRemover } from '../disk/trash.ts'
import type { LayerTool, UnpackedLayer, UnpackRequest } from '../snapshot/ports.ts'
import type { LayerProgress, UnpackResult } from './answer.ts'
import { telling } from './telling.ts'
import type { Unpacker } from './unpacker.ts'

const told = telling({
  internally: 'unpacking failed',
  otherwise: 'the layer cannot be used',
  of: {
    UNSAFE_CONTENT: { code: 'invalid-argument', reason: 'UNSAFE_CONTENT', advice: 'do not trust its source' },
    LIMIT: {
      code: 'resource-exhausted',
      reason: 'LAYER_TOO_LARGE',
      advice: 'raise the limits of image-store if it is meant',
    },
    INVALID: { code: 'invalid-argument', reason: 'INVALID_LAYER', advice: 'it must be a tar, plain, gzip or zstd' },
    NOSPACE: { code: 'resource-exhausted', reason: 'NO_SPACE', advice: 'free space on the disk of the image store' },
    TRUNCATED: { code: 'data-loss', reason: 'TRUNCATED', advice: 'send it again, as a whole' },
  },
})

/** The native helper as the domain wants it: paths in, CaissonErrors out. */
export function layerTool(unpacker: Unpacker, uidMax: number): LayerTool & TreeRemover {
  return {
    unpack: (request, report, signal) => told.one(() => unpack(unpacker, uidMax, request, report, signal)),
    digest: (path, signal) => told.one(() => digest(unpacker, path, signal)),
    remove: (directory, name, signal) => told.one(() => unpacker.remove(directory, name, signal)),
  }
}

async function digest(
  unpacker: Unpacker,
  path: string,
  signal: AbortSignal,
): Promise<{ digest: Digest; size: number }> {
  await using file = await open(path, 'r')
  const found = await unpacker.digest(file.fd, undefined, signal)
  return { digest: found.digest as Digest, size: found.bytes }
}

async function unpack(
  unpacker: Unpacker,
  uidMax: number,
  request: UnpackRequest,
  report: (progress: LayerProgress) => void,
  signal: AbortSignal,
): Promise<UnpackedLayer> {
  const { source, target, copy, maxBytes, maxEntries, requireEnd, lowest } = request
  await using file = 'path' in source ? await open(source.path, 'r') : undefined
  await using tee = copy === undefined ? undefined : await open(copy, 'wx', 0o600)
  const found = await unpacker.unpack({
    blob: 'path' in source ? (file?.fd ?? -1) : Readable.from(source, { objectMode: false }),
    ...('whole' in source ? { growth: source.whole.bind(source) } : {}),
    target,
    ...(tee ? { tee: tee.fd } : {}),
    limits: { maxBytes, maxEntries, uidMax },
    lowest,
    sync: true,
    requireEnd,
    onProgress: report,
    signal,
  })
  return toUnpacked(found)
}

const toUnpacked = (found: UnpackResult): UnpackedLayer => ({
  digest: found.digest as Digest,
  size: found.compressedBytes,
  diffId: found.diffId as Digest,
  compression: found.compression,
  bytes: found.contentBytes,
  entries: found.entries,
  opaque: found.rootOpaque,
  hasRoot: found.rootEntry,
})
