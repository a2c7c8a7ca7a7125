import { CaissonError, failedPrecondition, unavailable } from '@caisson/api'

const DENIED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken'])

/** Status of the bucket's answer; undefined when it gave none. */
export function statusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('$metadata' in thrown)) return undefined
  const status = (thrown.$metadata as { readonly httpStatusCode?: unknown }).httpStatusCode
  return typeof status === 'number' ? status : undefined
}

export const isMissing = (thrown: unknown): boolean =>
  statusOf(thrown) === 404 && !(thrown instanceof Error && thrown.name === 'NoSuchBucket')

/** The condition of a write does not hold, or another write came at the same moment. */
export const isLost = (thrown: unknown): boolean => {
  const status = statusOf(thrown)
  return status === 412 || status === 409
}

/** Says what the operator can do about a request that the bucket did not do. */
export function bucketFailure(thrown: unknown, bucket: string, action: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof CaissonError) return thrown
  const details = { bucket, action, answer: thrown.name }
  const options = { details, cause: thrown }
  if (thrown.name === 'AbortError') return thrown
  if (thrown.name === 'CredentialsProviderError')
    return failedPrecondition(
      'BUCKET_CREDENTIALS',
      'there are no credentials for the bucket: name a file of them',
      options,
    )
  if (DENIED.has(thrown.name) || statusOf(thrown) === 403) {
    const message = `the bucket ${bucket} does not allow ${action} (${thrown.name}): check the credentials, and let them list, read, write and delete its objects`
    return failedPrecondition('BUCKET_DENIED', message, options)
  }
  if (thrown.name === 'NoSuchBucket')
    return failedPrecondition('BUCKET_MISSING', `there is no bucket ${bucket}: make it, or correct its name`, options)
  const status = statusOf(thrown)
  if (status === undefined || status >= 500 || status === 429) {
    const message = `the bucket ${bucket} does not answer ${action}: try again later`
    return unavailable('BUCKET_UNAVAILABLE', message, options)
  }
  const message = `the bucket ${bucket} refuses ${action} (${thrown.name}): see the log of the service`
  return new CaissonError('internal', message, { ...options, reason: 'BUCKET_REFUSED' })
}
