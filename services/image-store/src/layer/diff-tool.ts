import { open } from 'node:fs/promises'
import type { Digest } from '@caisson/oci'
import type { DiffedLayer, DiffRequest, DiffTool, TreeChange } from '../commit/ports.ts'
import type { LayerChange } from './answer.ts'
import type { Differ } from './differ.ts'
import { telling } from './telling.ts'

const told = telling({
  internally: 'reading the changes failed',
  otherwise: 'the changes cannot be read as a layer',
  of: {
    UNSAFE_CONTENT: {
      code: 'failed-precondition',
      reason: 'UNSAFE_CONTENT',
      advice: 'change it in the container first',
    },
    LIMIT: {
      code: 'resource-exhausted',
      reason: 'LAYER_TOO_LARGE',
      advice: 'raise the limits of image-store if it is meant',
    },
    INVALID: { code: 'failed-precondition', reason: 'INVALID_LAYER', advice: 'change it in the container first' },
    NOSPACE: { code: 'resource-exhausted', reason: 'NO_SPACE', advice: 'free space on the disk of the image store' },
  },
})

const KINDS = { A: 'added', C: 'modified', D: 'deleted' } as const satisfies Record<
  LayerChange['kind'],
  TreeChange['kind']
>

/** The native helper as the domain wants it: paths in, CaissonErrors out. */
export function diffTool(differ: Differ): DiffTool {
  return {
    diff: (request, signal) => diff(differ, request, signal),
    async *changes({ upper, lowerDirs, maxEntries }, signal) {
      for await (const { kind, path } of told.many(differ.changes({ upper, lowerDirs, maxEntries, signal })))
        yield { kind: KINDS[kind], path }
    },
  }
}

async function diff(differ: Differ, request: DiffRequest, signal: AbortSignal): Promise<DiffedLayer> {
  const { upper, blob, compression, maxBytes, maxEntries, devices } = request
  await using file = await open(blob, 'wx', 0o600)
  const limits = { maxBytes, maxEntries }
  const found = await told.one(() => differ.diff({ upper, blob: file.fd, compression, limits, devices, signal }))
  const { digest, diffId, compressedBytes: size, skipped, changed } = found
  return { digest: digest as Digest, diffId: diffId as Digest, size, skipped, changed }
}
