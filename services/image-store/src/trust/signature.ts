import { type Digest, digestHex, Fields, parseJson } from '@caisson/oci'

/** A signature as it was found: bytes that were signed, and what they would say if it is right. */
export interface Signature {
  readonly signed: Uint8Array
  readonly signatures: readonly Uint8Array[]
  /** The reference in it. Empty: none. */
  readonly identity: string
}

export const SIMPLE_SIGNING_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature'
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const MAX_BYTES = 4 << 20
const MAX_SIGNATURES = 16
const MAX_SUBJECTS = 64
const REASON = 'SIGNATURE_INVALID'

/**
 * Reads the payload of a cosign signature (sigstore/cosign, specs/SIGNATURE_SPEC.md; containers-signature(5)). Undefined
 * when it is not for `subject`. Throws for what is no payload.
 */
export function readSimpleSigning(payload: Uint8Array, signature: string, subject: Digest): Signature | undefined {
  const critical = fieldsOf(payload, 'signature').fields('critical')
  // What is critical has to be understood: a member that is not known here is refused.
  const image = only(critical.fields('image'), 'docker-manifest-digest')
  const identity = only(critical.fields('identity'), 'docker-reference').string('docker-reference')
  expect(only(critical, 'identity', 'image', 'type'), 'type', 'cosign container image signature')
  if (image.string('docker-manifest-digest') !== subject) return undefined
  return { signed: payload, signatures: [readBase64(signature)], identity }
}

/**
 * Reads a sigstore bundle that signs an image (sigstore/protobuf-specs, sigstore_bundle.proto, v0.3) in a DSSE envelope.
 * What it holds of certificates and logs is not looked at: its signature has to be of a key at hand. Undefined when it is
 * not for `subject`. Throws for what is no such bundle.
 */
export function readBundle(document: Uint8Array, subject: Digest): Signature | undefined {
  const bundle = fieldsOf(document, 'bundle')
  expect(bundle, 'mediaType', BUNDLE_TYPE)
  const envelope = bundle.fields('dsseEnvelope')
  const payloadType = expect(envelope, 'payloadType', 'application/vnd.in-toto+json')
  const payload = readBase64(envelope.string('payload', MAX_BYTES))
  if (!isStatementOn(subject, fieldsOf(payload, 'statement'))) return undefined
  const signatures = envelope.list('signatures', MAX_SIGNATURES, (item, at) =>
    readBase64(new Fields(item, at, REASON).string('sig')),
  )
  return { signed: preAuthentication(payloadType, payload), signatures, identity: '' }
}

/** An in-toto statement (in-toto/attestation, spec/v1) that cosign makes to sign an image. */
function isStatementOn(subject: Digest, statement: Fields): boolean {
  expect(statement, '_type', 'https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1')
  // Attestations come in the same envelopes: a list of ingredients is no signature of approval.
  expect(statement, 'predicateType', 'https://sigstore.dev/cosign/sign/v1')
  const [algorithm = ''] = subject.split(':')
  const digests = statement.list('subject', MAX_SUBJECTS, (item, at) =>
    new Fields(item, at, REASON).fields('digest').optionalString(algorithm),
  )
  return digests.includes(digestHex(subject))
}

/** What a DSSE envelope signs (secure-systems-lab/dsse, protocol.md). */
export function preAuthentication(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

function fieldsOf(document: Uint8Array, what: string): Fields {
  return new Fields(parseJson(document, { subject: what, maxBytes: MAX_BYTES }), what, REASON)
}

function only(fields: Fields, ...names: readonly string[]): Fields {
  const other = fields.names().find((name) => !names.includes(name))
  if (other !== undefined) throw fields.error('', `has the member ${JSON.stringify(other)}, which is not known`)
  return fields
}

function expect(fields: Fields, name: string, ...wanted: readonly string[]): string {
  const found = fields.string(name)
  if (!wanted.includes(found)) throw fields.error(name, 'is of another kind')
  return found
}

/** The one spelling of base64 that is allowed: others would be further spellings of the same signature. */
function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.toString('base64') !== text) throw new Error('not base64 in its one form')
  return bytes
}
