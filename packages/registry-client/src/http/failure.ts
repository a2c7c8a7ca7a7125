import { CaissonError, failedPrecondition, unavailable } from '@caisson/api'

const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|CRL_|ERR_OSSL_)/

/**
 * Makes a typed error of what a connection failed by: TLS is failed-precondition REGISTRY_TLS, all else unavailable
 * REGISTRY_UNREACHABLE. What is typed already stays.
 */
export function connectionFailure(error: unknown, url: URL): CaissonError {
  if (error instanceof CaissonError) return error
  const code = codeOf(error)
  const details = { host: url.host, code }
  if (TLS_CODES.test(code)) {
    const message = `${url.host} cannot be trusted (${code}): have its certificate put right, or configure its certificate authority as caFile`
    return failedPrecondition('REGISTRY_TLS', message, { details, cause: error })
  }
  if (code.startsWith('HPE_')) {
    const message = `${url.host} does not speak HTTP (${code}): is it a registry, and does it expect ${url.protocol === 'http:' ? 'https' : 'http'}?`
    return unavailable('REGISTRY_UNREACHABLE', message, { details, cause: error })
  }
  const message = `${url.host} does not answer (${code}): check the name and the network, then try again`
  return unavailable('REGISTRY_UNREACHABLE', message, { details, cause: error })
}

/** Several addresses that all failed come as one error of all of theirs. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'UNKNOWN'
}
