import { notFound } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isDigest,
  MEDIA_TYPE,
  parseManifest,
} from '@caisson/oci'
import type { Archive } from '../image/load/archive.ts'
import { BOUNDS, COSIGN_ARTIFACT } from './discover.ts'
import type { SignatureSource } from './ports.ts'
import { BUNDLE_TYPE } from './signature.ts'

/** What `cosign save` calls its entries. */
const KINDS: ReadonlyMap<string, 'signature' | 'other'> = new Map([
  ['dev.cosignproject.cosign/sigs', 'signature'],
  ['dev.cosignproject.cosign/atts', 'other'],
  ['dev.cosignproject.cosign/sboms', 'other'],
])
const ARTIFACTS: ReadonlySet<string> = new Set([COSIGN_ARTIFACT, BUNDLE_TYPE])
const REF_NAME = 'org.opencontainers.image.ref.name'
/** Tags under which artifacts of an image are kept: cosign's, and that of registries without referrers. */
const ARTIFACT_TAG = /(?:^|:)sha256-[0-9a-f]{64}(?:\.(sig|att|sbom))?$/

/** Whether an entry of an OCI layout is not an image but something about one. */
export function isAboutImage(descriptor: Descriptor): boolean {
  return kindOf(descriptor) !== undefined
}

function kindOf({ artifactType, annotations }: Descriptor): 'signature' | 'other' | undefined {
  const kind = KINDS.get(annotations?.['kind'] ?? '')
  if (kind) return kind
  if (artifactType !== undefined && ARTIFACTS.has(artifactType)) return 'signature'
  const tag = ARTIFACT_TAG.exec(annotations?.[REF_NAME] ?? '')
  if (!tag) return undefined
  return tag[1] === 'sig' ? 'signature' : 'other'
}

/** The signatures in an archive that is an OCI layout. Undefined: it has none. */
export async function archiveSignatures(archive: Archive): Promise<SignatureSource | undefined> {
  const name = 'index.json'
  if (!archive.has('oci-layout') || !archive.has(name)) return undefined
  const read = parseManifest(await archive.document(archive.file(name), name, BOUNDS.maxBytes), MEDIA_TYPE.ociIndex)
  const entries = read.kind === 'index' ? read.manifests.filter((entry) => kindOf(entry) === 'signature') : []
  if (entries.length === 0) return undefined
  const bytesOf = async (digest: Digest): Promise<Buffer> => {
    const path = `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`
    if (!archive.has(path)) throw notFound('blob', digest)
    return await archive.document(archive.file(path), path, BOUNDS.maxBytes)
  }
  return {
    // What an entry of cosign's is about only its payloads say.
    referrers: async (subject, type) =>
      entries
        .filter((entry) => (entry.artifactType ?? COSIGN_ARTIFACT) === type && mayBeAbout(entry, subject))
        .map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    manifest: async (reference) => {
      if (!isDigest(reference)) throw notFound('manifest', reference)
      return { digest: reference, mediaType: MEDIA_TYPE.ociManifest, bytes: await bytesOf(reference) }
    },
    blob: async ({ digest }) => ({ offset: 0, chunks: inOne(await bytesOf(digest)) }),
  }
}

function mayBeAbout({ annotations }: Descriptor, subject: Digest): boolean {
  const tag = annotations?.[REF_NAME] ?? ''
  return !ARTIFACT_TAG.test(tag) || tag.endsWith(`${subject.replace(':', '-')}.sig`)
}

async function* inOne(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
