import type { S3Call } from './request.ts'

/** What goes wrong with a request. */
export type S3Fault =
  /** It is answered with this error, and nothing was done. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string }
  /** The connection ends: before anything was done, after half of the answer's body, or after all was done unseen. */
  | { readonly kind: 'reset'; readonly when: 'before' | 'during' | 'after' }
  /** It is done later. */
  | { readonly kind: 'delay'; readonly ms: number }

/** Asked for each request before its body is used. Undefined: nothing goes wrong. */
export type S3Interceptor = (call: S3Call) => S3Fault | undefined

export const slowDown: S3Fault = { kind: 'error', status: 503, code: 'SlowDown' }

export const accessDenied: S3Fault = { kind: 'error', status: 403, code: 'AccessDenied' }

export const conditionalConflict: S3Fault = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' }
