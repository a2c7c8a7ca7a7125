import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { invalid } from '@caisson/api'

/** A key that signatures are checked with. */
export interface PublicKey {
  /** `sha256:` and the hash of its SubjectPublicKeyInfo. */
  readonly fingerprint: string
  /** Whether the signature over the bytes is of this key. Never throws. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
}

const PEM = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/
const LEAST_RSA_BITS = 2048
const MOST_RSA_BITS = 16_384

/**
 * Reads a public key in PEM: ECDSA on P-256 or P-384, Ed25519, RSA from 2048 bits on. `name` is what messages call it.
 * Throws KEY_INVALID, and KEY_WEAK for what is not to be trusted any more.
 */
export function readPublicKey(pem: string, name: string): PublicKey {
  if (!PEM.test(pem)) throw refused(name, 'is no public key in PEM (-----BEGIN PUBLIC KEY-----)')
  let key: KeyObject
  try {
    // By its numbers: one key in two encodings is one key.
    key = createPublicKey({ key: createPublicKey(pem).export({ format: 'jwk' }), format: 'jwk' })
  } catch (cause) {
    throw refused(name, 'cannot be read as a public key', cause)
  }
  const hashes = hashesOf(key, name)
  const fingerprint = `sha256:${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`
  return {
    fingerprint,
    verify: (bytes, signature) => hashes.some((hash) => isSignedWith(hash, key, bytes, signature)),
  }
}

/** Hashes that go with a key: signatures do not say which they were made with. null: the key's own. */
function hashesOf(key: KeyObject, name: string): readonly (string | null)[] {
  const { namedCurve, modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return [null]
    case 'ec':
      if (namedCurve === 'prime256v1') return ['sha256']
      // Older signers use SHA-256 with every key.
      if (namedCurve === 'secp384r1') return ['sha384', 'sha256']
      throw refused(name, `is on the curve ${namedCurve ?? 'of its own'}: use P-256 or P-384`)
    case 'rsa':
      if (modulusLength < LEAST_RSA_BITS)
        throw weak(name, `is RSA of ${modulusLength} bits: use ${LEAST_RSA_BITS} or more`)
      if (modulusLength > MOST_RSA_BITS) throw refused(name, `is RSA of more than ${MOST_RSA_BITS} bits`)
      if (publicExponent < 3n) throw weak(name, 'is RSA with an exponent that anybody can sign for')
      return ['sha256']
    default:
      throw refused(name, `is of the type ${key.asymmetricKeyType ?? '?'}: use ECDSA P-256 or P-384, Ed25519 or RSA`)
  }
}

function isSignedWith(hash: string | null, key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hash, bytes, key, signature)
  } catch {
    // What cannot be read as a signature is none.
    return false
  }
}

function refused(name: string, what: string, cause?: unknown): Error {
  return invalid(`the key ${name} ${what}`, { reason: 'KEY_INVALID', details: { key: name }, cause })
}

function weak(name: string, what: string): Error {
  return invalid(`the key ${name} ${what}`, { reason: 'KEY_WEAK', details: { key: name } })
}
