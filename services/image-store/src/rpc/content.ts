import { type Handlers, invalid } from '@caisson/api'
import type { ContentDefinition } from '@caisson/api/content'
import { parseDigest } from '@caisson/oci'
import type { ImageStore } from '../service.ts'
import { fromPage, nextToken, toBlob } from './convert.ts'
import { openUpload } from './uploads.ts'

/** caisson.image.v1.Content. */
export function contentHandlers({ contents }: ImageStore): Handlers<typeof ContentDefinition> {
  return {
    stat: async ({ digest }) => toBlob(contents.get(parseDigest(digest))),
    read: async function* ({ digest, offset, length }, { signal }) {
      for await (const chunk of contents.read(parseDigest(digest), offset, length, signal)) yield { chunk }
    },
    write: async (requests, { signal }) => {
      const { options, chunks } = await openUpload(requests)
      const expected = { digest: parseDigest(options.digest), size: options.size }
      if (expected.size < 0) throw invalid('a size is 0 or more')
      return toBlob(await contents.write(expected, options.lease, chunks, signal))
    },
    list: async ({ page }) => {
      const { after, limit } = fromPage(page)
      const blobs = contents.list(after, limit)
      return { blobs: blobs.map(toBlob), nextPageToken: nextToken(blobs, limit, ({ digest }) => digest) }
    },
  }
}
