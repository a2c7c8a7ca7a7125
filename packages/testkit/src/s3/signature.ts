import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from './s3-error.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const MAX_SKEW_MS = 15 * 60_000

/**
 * Refuses a request whose Authorization header is not a Signature Version 4 by one of these credentials over what was
 * sent (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). The body is covered by the
 * header x-amz-content-sha256, which bodyOf checks.
 */
export function checkSignature(
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
  credentials: readonly S3Credentials[],
): void {
  const { accessKeyId, scope, signedHeaders, signature } = authorization(headers)
  const known = credentials.find((one) => one.accessKeyId === accessKeyId)
  if (!known) throw new S3Error(403, 'InvalidAccessKeyId', 'The access key does not exist.')
  const time = checkTime(headers, scope)
  if (!signedHeaders.includes('host') || !signedHeaders.includes('x-amz-content-sha256'))
    throw new S3Error(403, 'AccessDenied', 'There were headers present that were not signed.')
  const text = [ALGORITHM, time, scope.join('/'), sha256(canonical(method, url, headers, signedHeaders))].join('\n')
  const key = scope.reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${known.secretAccessKey}`)
  const expected = hmac(key, text)
  const given = Buffer.from(signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new S3Error(403, 'SignatureDoesNotMatch', 'The signature does not match what was sent.')
}

interface Authorization {
  readonly accessKeyId: string
  /** Date, region, "s3", "aws4_request". */
  readonly scope: readonly string[]
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

function authorization(headers: IncomingHttpHeaders): Authorization {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]+)$/.exec(
    headers.authorization ?? '',
  )
  if (!match) throw new S3Error(403, 'AccessDenied', 'Access Denied.')
  const [accessKeyId = '', ...scope] = (match[1] ?? '').split('/')
  if (scope.length !== 4 || scope[2] !== 's3' || scope[3] !== 'aws4_request')
    throw new S3Error(400, 'AuthorizationHeaderMalformed')
  return { accessKeyId, scope, signedHeaders: (match[2] ?? '').split(';'), signature: match[3] ?? '' }
}

function checkTime(headers: IncomingHttpHeaders, scope: readonly string[]): string {
  const time = String(headers['x-amz-date'] ?? '')
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (!match || !time.startsWith(scope[0] ?? '-')) throw new S3Error(403, 'AccessDenied', 'x-amz-date is wrong.')
  const [year, month, day, hours, minutes, seconds] = match.slice(1).map(Number)
  const sent = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hours, minutes, seconds)
  if (Math.abs(Date.now() - sent) > MAX_SKEW_MS) throw new S3Error(403, 'RequestTimeTooSkewed')
  return time
}

function canonical(method: string, url: string, headers: IncomingHttpHeaders, signed: readonly string[]): string {
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  const query =
    question < 0
      ? []
      : url
          .slice(question + 1)
          .split('&')
          .filter(Boolean)
  const parameters = query.map((pair) => (pair.includes('=') ? pair : `${pair}=`)).sort()
  const lines = signed.map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replaceAll(/ +/g, ' ')}\n`,
  )
  const payload = String(headers['x-amz-content-sha256'])
  return [method, path, parameters.join('&'), lines.join(''), signed.join(';'), payload].join('\n')
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
