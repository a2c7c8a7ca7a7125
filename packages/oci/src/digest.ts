import { createHash } from 'node:crypto'
import { OciFormatError, shown } from './format-error.ts'

/** `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits. Only parseDigest and digestOf make one. */
export type Digest = string & { readonly __digest: never }
export type DigestAlgorithm = 'sha256' | 'sha512'

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/
const PREFIX_LENGTH = 'sha256:'.length

/** Whether the text is a digest in the one spelling that is allowed. */
export function isDigest(text: string): text is Digest {
  return text.length <= PREFIX_LENGTH + 128 && PATTERN.test(text)
}

/** Throws OciFormatError DIGEST_INVALID for anything but a digest, before anything is done with the text. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  const expected = 'sha256: and 64, or sha512: and 128 lower-case hexadecimal digits'
  throw new OciFormatError('DIGEST_INVALID', shown(text), `${shown(text)} is not a digest; expected ${expected}`)
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The hexadecimal digits: safe as a file name. */
export function digestHex(digest: Digest): string {
  return digest.slice(PREFIX_LENGTH)
}

/** The digest of bytes at hand, for small documents. Layers are hashed where they are written. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}

/**
 * Chain ids of the image spec, lowest layer first: the id of the file system after each layer is applied.
 * ChainID(L0) = DiffID(L0); ChainID(Ln) = sha256(ChainID(Ln-1) + " " + DiffID(Ln)).
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = []
  let below: Digest | undefined
  for (const diffId of diffIds) {
    below = below === undefined ? diffId : digestOf(`${below} ${diffId}`)
    chain.push(below)
  }
  return chain
}
