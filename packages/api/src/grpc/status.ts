import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import { CaissonError, type ErrorCode } from '../error/error.ts'
import { ErrorInfo } from '../gen/google/rpc/error_details.ts'
import { Status } from '../gen/google/rpc/status.ts'

const DOMAIN = 'caisson'
const DETAILS_KEY = 'grpc-status-details-bin'
const ERROR_INFO_URL = 'type.googleapis.com/google.rpc.ErrorInfo'

/** The one table between kinds of failure and gRPC codes. */
const TO_GRPC: Readonly<Record<ErrorCode, status>> = {
  cancelled: status.CANCELLED,
  'invalid-argument': status.INVALID_ARGUMENT,
  'deadline-exceeded': status.DEADLINE_EXCEEDED,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  'permission-denied': status.PERMISSION_DENIED,
  'resource-exhausted': status.RESOURCE_EXHAUSTED,
  'failed-precondition': status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  'out-of-range': status.OUT_OF_RANGE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  'data-loss': status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
  conflict: status.FAILED_PRECONDITION,
  'not-modified': status.FAILED_PRECONDITION,
}

/** Codes that share a gRPC code travel in the metadata of ErrorInfo under this key. */
const CODE_KEY = 'caisson-code'

const FROM_GRPC = new Map<status, ErrorCode>(
  (Object.entries(TO_GRPC) as [ErrorCode, status][])
    .filter(([code]) => code !== 'conflict' && code !== 'not-modified')
    .map(([code, grpc]) => [grpc, code]),
)

function isErrorCode(value: string | undefined): value is ErrorCode {
  return value !== undefined && Object.hasOwn(TO_GRPC, value)
}

/** Turns an error into what grpc-js sends: code, message and ErrorInfo in the trailer. */
export function toStatus(error: CaissonError): StatusObject {
  const code = TO_GRPC[error.code]
  const info = ErrorInfo.fromPartial({
    reason: error.reason,
    domain: DOMAIN,
    metadata: { ...error.details, [CODE_KEY]: error.code },
  })
  const details = Status.fromPartial({
    code,
    message: error.message,
    details: [{ typeUrl: ERROR_INFO_URL, value: Buffer.from(ErrorInfo.encode(info).finish()) }],
  })
  const metadata = new Metadata()
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(details).finish()))
  return { code, details: error.message, metadata }
}

/** Turns what grpc-js reports back into the error that the service threw. */
export function fromServiceError(error: ServiceError): CaissonError {
  const code = FROM_GRPC.get(error.code) ?? 'internal'
  const info = errorInfo(error.metadata)
  if (!info) return new CaissonError(code, transportMessage(code, error.details), { cause: error })
  const { [CODE_KEY]: own, ...details } = info.metadata
  return new CaissonError(isErrorCode(own) ? own : code, error.details, { reason: info.reason, details, cause: error })
}

/** Without ErrorInfo the error is the transport's own. */
function transportMessage(code: ErrorCode, details: string): string {
  if (code === 'unavailable') return `the service cannot be reached: ${details}`
  return details === '' ? code : details
}

function errorInfo(metadata: Metadata | undefined): ErrorInfo | undefined {
  const bytes = metadata?.get(DETAILS_KEY)[0]
  if (!Buffer.isBuffer(bytes)) return undefined
  const any = Status.decode(bytes).details.find((detail) => detail.typeUrl === ERROR_INFO_URL)
  return any ? ErrorInfo.decode(any.value) : undefined
}
