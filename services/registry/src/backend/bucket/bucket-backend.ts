import type { Backend, Changes } from '../ports.ts'
import { BlobObjects } from './blob-objects.ts'
import { Cells } from './cells.ts'
import type { BucketConfig } from './config.ts'
import { DocumentObjects } from './documents.ts'
import { BucketGarbage } from './garbage.ts'
import { Links } from './links.ts'
import { ManifestObjects } from './manifest-objects.ts'
import { Names } from './names.ts'
import { bucketClient, Objects } from './objects.ts'
import { probe } from './probe.ts'
import { BucketRecords } from './records.ts'
import { Strays } from './strays.ts'
import { type PartSizes, S3_PARTS, UploadParts } from './upload-parts.ts'
import { BucketUploads } from './uploads.ts'
import { Usage } from './usage.ts'

export interface BucketBackendDeps {
  readonly config: BucketConfig
  readonly changes: Changes
  readonly clock?: () => number
  /** Default: as S3 wants them. */
  readonly partSizes?: PartSizes
}

/**
 * Opens a bucket that any number of processes may serve at once. Throws BUCKET_UNCONDITIONAL for one that does not keep to
 * conditions of writes, BUCKET_DENIED, BUCKET_MISSING and BUCKET_UNAVAILABLE.
 */
export async function openBucketBackend(deps: BucketBackendDeps): Promise<Backend> {
  const { config, changes, clock = Date.now, partSizes = S3_PARTS } = deps
  const client = bucketClient(config)
  const objects = new Objects(client, config)
  try {
    await probe(objects)
  } catch (thrown) {
    client.destroy()
    throw thrown
  }
  const cells = new Cells(objects)
  const names = new Names(cells, clock)
  const usage = new Usage(cells, names)
  const blobs = new BlobObjects(cells)
  const links = new Links({ cells, blobs, names, usage, clock })
  const manifests = new ManifestObjects(cells, names)
  const parts = new UploadParts(objects, partSizes)
  return {
    blobs,
    uploads: new BucketUploads({ cells, blobs, links, parts, changes, clock }),
    records: new BucketRecords({ cells, names, links, manifests, usage, changes, clock }),
    documents: new DocumentObjects(cells),
    garbage: new BucketGarbage({ cells, manifests, strays: new Strays(cells, parts), changes, clock }),
    async [Symbol.asyncDispose]() {
      client.destroy()
    },
  }
}
