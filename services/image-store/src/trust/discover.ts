import { CaissonError } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  type ImageManifest,
  isManifestType,
  parseManifest,
} from '@caisson/oci'
import type { SignatureSource } from './ports.ts'
import {
  BUNDLE_TYPE,
  readBundle,
  readSimpleSigning,
  SIGNATURE_ANNOTATION,
  SIMPLE_SIGNING_TYPE,
  type Signature,
} from './signature.ts'

/** What looking for the signatures of one image may cost. */
export interface Bounds {
  /** Signatures that are fetched and tried, and manifests of such. */
  readonly maxTried: number
  /** Bytes of one. */
  readonly maxBytes: number
  readonly timeoutMs: number
}

export const BOUNDS: Bounds = { maxTried: 50, maxBytes: 4 << 20, timeoutMs: 10_000 }

export interface Search {
  readonly source: SignatureSource
  readonly bounds: Bounds
  /** Counted down by what is tried. */
  readonly left: { manifests: number; signatures: number }
  /** What could not be asked: whether there are signatures is not known then. */
  readonly failures: CaissonError[]
  readonly signal: AbortSignal
}

export function search(source: SignatureSource, bounds: Bounds, signal: AbortSignal): Search {
  const left = { manifests: bounds.maxTried, signatures: bounds.maxTried }
  return { source, bounds, left, failures: [], signal }
}

export const COSIGN_ARTIFACT = 'application/vnd.dev.cosign.artifact.sig.v1+json'

/**
 * Gives what claims to be a signature of `subject`, as it finds it: under cosign's tag, and by referrers. Nothing of it is
 * verified but that it is bound to the subject. What cannot be read is passed over.
 */
export async function* discover(subject: Digest, look: Search): AsyncGenerator<Signature> {
  const tag = `${subject.replace(':', '-')}.sig`
  const tagged = await asked(look, () => look.source.manifest(tag, look.signal))
  if (tagged) yield* signaturesOf(tagged, subject, look)
  for (const type of [BUNDLE_TYPE, COSIGN_ARTIFACT]) {
    const found = (await asked(look, () => look.source.referrers(subject, type, look.signal))) ?? []
    for (const descriptor of found) {
      if (!isOfType(descriptor, type)) continue
      if (look.left.manifests-- <= 0) break
      const fetched = await asked(look, () => look.source.manifest(descriptor.digest, look.signal))
      if (fetched && isExactly(descriptor, fetched.bytes)) yield* signaturesOf(fetched, subject, look)
    }
  }
}

/** Registries may ignore the filter; a descriptor without a type may be of any. */
function isOfType({ artifactType, mediaType }: Descriptor, wanted: string): boolean {
  return isManifestType(mediaType) && (artifactType === undefined || artifactType === wanted)
}

async function* signaturesOf(
  fetched: { readonly mediaType: string; readonly bytes: Uint8Array },
  subject: Digest,
  look: Search,
): AsyncGenerator<Signature> {
  if (fetched.bytes.length > look.bounds.maxBytes) return
  const manifest = attempt(() => parseManifest(fetched.bytes, fetched.mediaType))
  if (manifest?.kind !== 'manifest' || !isFor(manifest, subject)) return
  for (const layer of manifest.layers) {
    if (!isWorthTrying(layer, look.bounds)) continue
    if (look.left.signatures-- <= 0) return
    const payload = await asked(look, () => readBlob(layer, look))
    const signature = payload && attempt(() => readSignature(layer, payload, subject))
    if (signature) yield signature
  }
}

function isFor({ subject }: ImageManifest, wanted: Digest): boolean {
  return subject === undefined || subject.digest === wanted
}

function isWorthTrying({ mediaType, size, annotations }: Descriptor, { maxBytes }: Bounds): boolean {
  if (size === 0 || size > maxBytes) return false
  return (
    mediaType === BUNDLE_TYPE ||
    (mediaType === SIMPLE_SIGNING_TYPE && annotations?.[SIGNATURE_ANNOTATION] !== undefined)
  )
}

function readSignature(layer: Descriptor, payload: Buffer, subject: Digest): Signature | undefined {
  if (layer.mediaType === BUNDLE_TYPE) return readBundle(payload, subject)
  return readSimpleSigning(payload, layer.annotations?.[SIGNATURE_ANNOTATION] ?? '', subject)
}

/** The bytes of a blob. Undefined: they are others than its descriptor says. */
async function readBlob(blob: Descriptor, { source, signal }: Search): Promise<Buffer | undefined> {
  const { offset, chunks } = await source.blob(blob, 0, signal)
  if (offset !== 0) return undefined
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    size += chunk.length
    if (size > blob.size) return undefined
    parts.push(chunk)
  }
  const bytes = Buffer.concat(parts)
  return isExactly(blob, bytes) ? bytes : undefined
}

function isExactly({ digest, size }: Descriptor, bytes: Uint8Array): boolean {
  return bytes.length === size && digestOf(bytes, digestAlgorithm(digest)) === digest
}

/** Asks the source. What is not there is nothing; that it could not be asked is noted. */
async function asked<T>(look: Search, ask: () => Promise<T>): Promise<T | undefined> {
  look.signal.throwIfAborted()
  try {
    return await abortable(ask(), look.signal)
  } catch (thrown) {
    look.signal.throwIfAborted()
    const error = CaissonError.from(thrown)
    if (error.code !== 'not-found') look.failures.push(error)
    return undefined
  }
}

/** A source that does not heed the signal is left behind. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // Junk is not a signature; whoever may write to the repository may leave it there.
    return undefined
  }
}
