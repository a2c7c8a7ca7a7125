import { CaissonError, exhausted } from '@caisson/api'

/** Refusals whose reasons are codes of the distribution specification. */

export const nameUnknown = (name: string): CaissonError =>
  new CaissonError('not-found', `there is no repository ${name}`, { reason: 'NAME_UNKNOWN', details: { name } })

export const blobUnknown = (digest: string): CaissonError =>
  new CaissonError('not-found', `this repository has no blob ${digest}`, {
    reason: 'BLOB_UNKNOWN',
    details: { digest },
  })

export const manifestUnknown = (reference: string): CaissonError =>
  new CaissonError('not-found', `this repository has no manifest ${reference}`, {
    reason: 'MANIFEST_UNKNOWN',
    details: { reference },
  })

export const uploadUnknown = (id: string): CaissonError =>
  new CaissonError('not-found', `there is no upload ${id} in this repository: begin again with POST`, {
    reason: 'BLOB_UPLOAD_UNKNOWN',
    details: { upload: id },
  })

export const deletesOff = (name: string): CaissonError =>
  new CaissonError('unimplemented', `nothing may be removed from ${name}: its policy has deletes off`, {
    reason: 'UNSUPPORTED',
    details: { name },
  })

export const digestMismatch = (expected: string, found: string): CaissonError =>
  new CaissonError('invalid-argument', `what was sent has the digest ${found}, not ${expected}`, {
    reason: 'DIGEST_INVALID',
    details: { digest: expected, found },
  })

export const quotaExceeded = (scope: string, bytes: number): CaissonError =>
  exhausted('QUOTA_EXCEEDED', `${scope} may hold ${bytes} bytes and has no room for this: remove something`, {
    details: { scope, quota: String(bytes) },
  })

export const mirrorOnly = (name: string, upstream: string): CaissonError =>
  new CaissonError('unimplemented', `${name} is a copy of what ${upstream} has: push to another repository`, {
    reason: 'UNSUPPORTED',
    details: { name, upstream },
  })
