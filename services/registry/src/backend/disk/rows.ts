import { CaissonError, exhausted } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { RepositoryName, TagName } from '../../distribution/names.ts'
import type { BlobStat, ManifestStat } from '../ports.ts'

/** What was checked before it was written is trusted when it is read. */

export type Row = Readonly<Record<string, unknown>>

export const digestOfRow = (row: Row): Digest => row['digest'] as Digest
export const nameOfRow = (row: Row): RepositoryName => row['name'] as RepositoryName
export const tagOfRow = (row: Row): TagName => row['name'] as TagName
export const blobOfRow = (row: Row): BlobStat => ({ digest: digestOfRow(row), size: Number(row['size']) })

export const manifestOfRow = (row: Row): ManifestStat => ({
  digest: digestOfRow(row),
  mediaType: String(row['media_type']),
  size: Number(row['size']),
})

export const optionalTime = (value: unknown): { readonly pulledAt?: number } =>
  value === null || value === undefined ? {} : { pulledAt: Number(value) }

export function quotaExceeded(scope: string, bytes: number): CaissonError {
  const message = `${scope} may hold ${bytes} bytes and has no room for this: remove something or ask for more`
  return exhausted('QUOTA_EXCEEDED', message, { details: { scope, quota: String(bytes) } })
}

export function uploadUnknown(id: string): CaissonError {
  const message = `there is no upload ${id} in this repository: begin again with POST`
  return new CaissonError('not-found', message, { reason: 'BLOB_UPLOAD_UNKNOWN', details: { upload: id } })
}
