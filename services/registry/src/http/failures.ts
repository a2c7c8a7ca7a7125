import type { CaissonError, ErrorCode } from '@caisson/api'

/** An error as HTTP tells it. */
export interface Failure {
  readonly status: number
  readonly code: string
}

/** The one table from our reasons to statuses and codes of the distribution specification. */
const BY_REASON: Readonly<Record<string, Failure>> = {
  BLOB_UNKNOWN: { status: 404, code: 'BLOB_UNKNOWN' },
  BLOB_UPLOAD_INVALID: { status: 400, code: 'BLOB_UPLOAD_INVALID' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  DENIED: { status: 403, code: 'DENIED' },
  DIGEST_INVALID: { status: 400, code: 'DIGEST_INVALID' },
  LIMIT_EXCEEDED: { status: 413, code: 'SIZE_INVALID' },
  MANIFEST_BLOB_UNKNOWN: { status: 404, code: 'MANIFEST_BLOB_UNKNOWN' },
  MANIFEST_INVALID: { status: 400, code: 'MANIFEST_INVALID' },
  MANIFEST_TOO_LARGE: { status: 413, code: 'MANIFEST_INVALID' },
  MANIFEST_UNKNOWN: { status: 404, code: 'MANIFEST_UNKNOWN' },
  NAME_INVALID: { status: 400, code: 'NAME_INVALID' },
  NAME_UNKNOWN: { status: 404, code: 'NAME_UNKNOWN' },
  PAGINATION_NUMBER_INVALID: { status: 400, code: 'UNSUPPORTED' },
  NO_SPACE: { status: 507, code: 'DENIED' },
  POLICY: { status: 502, code: 'POLICY' },
  QUOTA_EXCEEDED: { status: 403, code: 'DENIED' },
  RANGE_INVALID: { status: 416, code: 'BLOB_UPLOAD_INVALID' },
  SIZE_INVALID: { status: 400, code: 'SIZE_INVALID' },
  TAG_IMMUTABLE: { status: 409, code: 'DENIED' },
  TAG_INVALID: { status: 400, code: 'MANIFEST_INVALID' },
  TAGS_TOO_MANY: { status: 414, code: 'MANIFEST_INVALID' },
  TOOMANYREQUESTS: { status: 429, code: 'TOOMANYREQUESTS' },
  UNAUTHORIZED: { status: 401, code: 'UNAUTHORIZED' },
  UNSUPPORTED: { status: 405, code: 'UNSUPPORTED' },
  UPSTREAM_BUSY: { status: 429, code: 'TOOMANYREQUESTS' },
  UPSTREAM_DENIED: { status: 502, code: 'DENIED' },
  UPSTREAM_LIES: { status: 502, code: 'UNKNOWN' },
  UPSTREAM_UNAVAILABLE: { status: 502, code: 'UNAVAILABLE' },
  UPLOAD_BUSY: { status: 409, code: 'BLOB_UPLOAD_INVALID' },
}

const BY_CODE: Readonly<Partial<Record<ErrorCode, Failure>>> = {
  'invalid-argument': { status: 400, code: 'MANIFEST_INVALID' },
  unauthenticated: { status: 401, code: 'UNAUTHORIZED' },
  'permission-denied': { status: 403, code: 'DENIED' },
  'not-found': { status: 404, code: 'NAME_UNKNOWN' },
  unimplemented: { status: 405, code: 'UNSUPPORTED' },
  conflict: { status: 409, code: 'DENIED' },
  aborted: { status: 409, code: 'DENIED' },
  'failed-precondition': { status: 412, code: 'DENIED' },
  'resource-exhausted': { status: 429, code: 'TOOMANYREQUESTS' },
  unavailable: { status: 503, code: 'TOOMANYREQUESTS' },
  'deadline-exceeded': { status: 504, code: 'UNKNOWN' },
}

export function failureOf(error: CaissonError): Failure {
  return BY_REASON[error.reason] ?? BY_CODE[error.code] ?? { status: 500, code: 'UNKNOWN' }
}

/** The body of an error. The insides of what is unknown are not told. */
export function errorBody(code: string, message: string, detail: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({ errors: [{ code, message, detail }] })
}

/** A media type that a browser does not look into. */
export const JSON_TYPE = 'application/json; charset=utf-8'
