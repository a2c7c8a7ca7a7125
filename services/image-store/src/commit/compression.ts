import { invalid } from '@caisson/api'
import type { LayerCompression } from '@caisson/oci'

const KINDS: readonly LayerCompression[] = ['none', 'gzip', 'zstd']

/** The compression of a new layer, as callers say it. Empty: gzip, which every reader knows. */
export function parseCompression(text: string): LayerCompression {
  if (text === '') return 'gzip'
  const found = KINDS.find((kind) => kind === text)
  if (found) return found
  throw invalid(`${JSON.stringify(text.slice(0, 40))} is no compression: use ${KINDS.join(', ')}`, {
    reason: 'INVALID_COMPRESSION',
  })
}
