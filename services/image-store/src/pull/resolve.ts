import { exhausted, notFound } from '@caisson/api'
import { formatPlatform, type ImageManifest, type Platform, parseManifest, platformFit } from '@caisson/oci'
import { choosePlatform } from '../image/choose-platform.ts'
import { checkKind, type Document, readLimited } from '../image/document.ts'
import type { FetchedManifest } from '../registry/ports.ts'
import type { Documents } from './documents.ts'

/** The documents of an image for one platform. */
export interface ResolvedImage {
  readonly manifest: ImageManifest
  readonly manifestDocument: Document
  readonly configDocument: Document
  /** Indexes that it was chosen from, the outermost first. */
  readonly indexes: readonly Document[]
}

export interface ResolveOptions {
  readonly platform: Platform | undefined
  readonly maxIndexDepth: number
}

/** Goes from what a reference means, through indexes, to the image for a platform. */
export async function resolveImage(
  top: FetchedManifest,
  documents: Documents,
  { platform, maxIndexDepth }: ResolveOptions,
): Promise<ResolvedImage> {
  const indexes: Document[] = []
  for (let current = top; ; ) {
    const { digest, bytes, mediaType } = current
    const read = readLimited(() => parseManifest(bytes, mediaType))
    if (read.kind === 'manifest') {
      checkKind(read)
      const configDocument = { digest: read.config.digest, bytes: await documents.blob(read.config) }
      return { manifest: read, manifestDocument: { digest, bytes }, configDocument, indexes }
    }
    indexes.push({ digest, bytes })
    if (indexes.length > maxIndexDepth)
      throw exhausted('INDEX_TOO_DEEP', `its indexes are nested more than ${maxIndexDepth} deep`)
    current = await documents.manifest(choosePlatform(read, platform, 'the registry'))
  }
}

/** An image that says by itself what it is for must be for what was asked. */
export function checkPlatform(found: Platform, wanted: Platform | undefined): void {
  if (!wanted || platformFit(wanted, found) !== undefined) return
  throw notFound('platform', formatPlatform(wanted), `the registry has ${formatPlatform(found)}`)
}
