import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { notFound } from '@caisson/api'
import { type Descriptor, type Digest, digestOf } from '@caisson/oci'
import { COSIGN_ARTIFACT } from '../src/trust/discover.ts'
import type { SignatureSource } from '../src/trust/ports.ts'
import { BUNDLE_TYPE, preAuthentication, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE } from '../src/trust/signature.ts'

/** Signatures in the very forms of cosign: specs/SIGNATURE_SPEC.md of sigstore/cosign, and its bundles since version 3. */

export interface Signer {
  readonly pem: string
  readonly sign: (bytes: Uint8Array) => Buffer
}

const KINDS = {
  p256: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256' },
  p384: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha384' },
  'p384-sha256': { make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha256' },
  p521: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }), hash: 'sha512' },
  ed25519: { make: () => generateKeyPairSync('ed25519'), hash: null },
  rsa2048: { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256' },
  'rsa2048-sha1': { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha1' },
  'p256-sha1': { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha1' },
  rsa1024: { make: () => generateKeyPairSync('rsa', { modulusLength: 1024 }), hash: 'sha256' },
} as const

export function signer(kind: keyof typeof KINDS = 'p256'): Signer {
  const { make, hash } = KINDS[kind]
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = make()
  return {
    pem: String(pair.publicKey.export({ type: 'spki', format: 'pem' })),
    sign: (bytes) => sign(hash, bytes, pair.privateKey),
  }
}

export function payloadOf(digest: string, reference: string): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  }
  return Buffer.from(JSON.stringify({ critical, optional: null }))
}

export function bundleOf(by: Signer, digest: string, predicateType = 'https://sigstore.dev/cosign/sign/v1'): Buffer {
  const [algorithm = '', hex = ''] = digest.split(':')
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType,
    predicate: {},
  }
  const payload = Buffer.from(JSON.stringify(statement))
  const payloadType = 'application/vnd.in-toto+json'
  const sig = by.sign(preAuthentication(payloadType, payload)).toString('base64')
  const dsseEnvelope = { payload: payload.toString('base64'), payloadType, signatures: [{ sig }] }
  const verificationMaterial = { publicKey: { hint: 'a key' } }
  return Buffer.from(JSON.stringify({ mediaType: BUNDLE_TYPE, verificationMaterial, dsseEnvelope }))
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const EMPTY = Buffer.from('{}')

interface Layer {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly annotations?: Readonly<Record<string, string>>
}

/** A layer with a simple signing payload, signed. */
export function signedLayer(by: Signer, digest: string, reference: string): Layer {
  const bytes = payloadOf(digest, reference)
  const annotations = { [SIGNATURE_ANNOTATION]: by.sign(bytes).toString('base64') }
  return { mediaType: SIMPLE_SIGNING_TYPE, bytes, annotations }
}

/** A repository by hand. What it is told to do wrong, it does. */
export class FakeRepository implements SignatureSource {
  readonly blobs = new Map<string, Uint8Array>()
  readonly manifests = new Map<string, Buffer>()
  readonly tags = new Map<string, string>()
  readonly referring = new Map<string, Descriptor[]>()
  /** What was asked, in order. */
  readonly asked: string[] = []
  /** Runs before every answer; what it throws is the answer. */
  before: (question: string, signal: AbortSignal) => Promise<void> | void = () => {}

  /** Puts signatures under cosign's tag. */
  tag(subject: Digest, layers: readonly Layer[]): void {
    this.tags.set(`${subject.replace(':', '-')}.sig`, this.#manifest(layers, {}).digest)
  }

  /** Attaches signatures as a referrer. */
  refer(subject: Digest, artifactType: string, layers: readonly Layer[]): Descriptor {
    const about = { artifactType, subject: { mediaType: MANIFEST, digest: subject, size: 2 } }
    const descriptor = { ...this.#manifest(layers, about), artifactType }
    this.referring.set(subject, [...(this.referring.get(subject) ?? []), descriptor])
    return descriptor
  }

  referBundle(subject: Digest, bytes: Uint8Array): Descriptor {
    return this.refer(subject, BUNDLE_TYPE, [{ mediaType: BUNDLE_TYPE, bytes }])
  }

  referSimple(subject: Digest, layer: Layer): Descriptor {
    return this.refer(subject, COSIGN_ARTIFACT, [layer])
  }

  async referrers(subject: Digest, type: string | undefined, signal: AbortSignal): Promise<Descriptor[]> {
    await this.#ask(`referrers ${subject}`, signal)
    return (this.referring.get(subject) ?? []).filter(({ artifactType }) => !type || artifactType === type)
  }

  async manifest(reference: string, signal: AbortSignal) {
    await this.#ask(`manifest ${reference}`, signal)
    const digest = this.tags.get(reference) ?? reference
    const bytes = this.manifests.get(digest)
    if (!bytes) throw notFound('manifest', reference)
    return { digest: digest as Digest, mediaType: MANIFEST, bytes }
  }

  async blob({ digest, size }: { digest: Digest; size: number }, offset: number, signal: AbortSignal) {
    await this.#ask(`blob ${digest}`, signal)
    const bytes = this.blobs.get(digest)
    if (!bytes) throw notFound('blob', digest)
    return { offset, size, chunks: pieces(bytes) }
  }

  #manifest(layers: readonly Layer[], about: object): Descriptor {
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...this.#blob(EMPTY) }
    const descriptors = layers.map(({ bytes, ...layer }) => ({ ...layer, ...this.#blob(bytes) }))
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: descriptors, ...about }),
    )
    const digest = digestOf(bytes)
    this.manifests.set(digest, bytes)
    return { mediaType: MANIFEST, digest, size: bytes.length }
  }

  #blob(bytes: Uint8Array): { digest: Digest; size: number } {
    const digest = digestOf(bytes)
    this.blobs.set(digest, bytes)
    return { digest, size: bytes.length }
  }

  async #ask(question: string, signal: AbortSignal): Promise<void> {
    this.asked.push(question)
    await this.before(question, signal)
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}
