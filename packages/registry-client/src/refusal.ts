import { CaissonError, type ErrorCode } from '@caisson/api'
import { parseJson } from '@caisson/oci'
import { z } from 'zod'
import { plainText } from './errors.ts'
import { parseRetryAfter } from './headers/retry-after.ts'
import type { HttpResponse } from './http/response.ts'
import type { Session } from './session.ts'

const MAX_BODY = 64 << 10

const bodySchema = z.object({
  errors: z.array(z.object({ code: z.string().default(''), message: z.string().default('') })).min(1),
})

interface Verdict {
  readonly code: ErrorCode
  readonly reason: string
  readonly advice: string
}

/** `subject` is what was asked for: "manifest latest", "blob sha256:...". */
export async function refusal(session: Session, response: HttpResponse, subject: string): Promise<CaissonError> {
  const told = await errorOf(session, response)
  const wait = parseRetryAfter(response.header('retry-after'), Date.now())
  const verdict = verdictOf(response.status, told.code, subject)
  const { registry } = session.endpoint
  const name = session.repository === '' ? registry : `${registry}/${session.repository}`
  const said = told.message === '' ? `HTTP ${response.status}` : `HTTP ${response.status}, ${told.message}`
  return new CaissonError(verdict.code, `${name}: ${subject}: ${verdict.advice} (${session.endpoint.host}: ${said})`, {
    reason: verdict.reason,
    details: {
      status: String(response.status),
      ...(told.code !== '' && { registryCode: told.code }),
      ...(wait !== undefined && { retryAfterMs: String(wait) }),
    },
  })
}

/** What the registry says for itself, made harmless; '' when it says nothing that can be read. */
async function errorOf(session: Session, response: HttpResponse): Promise<{ code: string; message: string }> {
  const bytes = await response.bytes(MAX_BODY).catch(() => Buffer.of())
  const [first] = bodySchema.safeParse(parse(bytes)).data?.errors ?? []
  if (!first) return { code: '', message: '' }
  const text = [first.code, first.message].filter(Boolean).join(': ')
  return { code: /^[A-Z_]{1,64}$/.test(first.code) ? first.code : '', message: plainText(session.redact(text)) }
}

function parse(bytes: Buffer): unknown {
  try {
    return parseJson(bytes, { subject: 'error', maxBytes: MAX_BODY })
  } catch {
    return undefined
  }
}

const VERDICTS: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [
    401,
    {
      code: 'unauthenticated',
      reason: 'REGISTRY_LOGIN_REQUIRED',
      advice: 'it is not there or needs a login: check the name, or log in to the registry',
    },
  ],
  [
    403,
    {
      code: 'permission-denied',
      reason: 'REGISTRY_DENIED',
      advice: 'the registry does not allow it: log in as somebody who may',
    },
  ],
  [405, { code: 'unimplemented', reason: 'REGISTRY_UNSUPPORTED', advice: 'the registry does not do this' }],
  [413, { code: 'resource-exhausted', reason: 'REGISTRY_TOO_LARGE', advice: 'the registry takes nothing so large' }],
  [
    429,
    {
      code: 'resource-exhausted',
      reason: 'REGISTRY_RATE_LIMITED',
      advice: 'the registry has had too many requests: wait, or log in for a higher limit',
    },
  ],
])

function verdictOf(status: number, registryCode: string, subject: string): Verdict {
  if (registryCode === 'TOOMANYREQUESTS') return VERDICTS.get(429) ?? UNKNOWN
  if (status === 404)
    return { code: 'not-found', reason: notFoundReason(registryCode, subject), advice: 'it is not there' }
  const known = VERDICTS.get(status)
  if (known) return known
  if (status >= 500)
    return { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE', advice: 'the registry has a fault: try again later' }
  return status >= 400 ? UNKNOWN : STRANGE
}

const UNKNOWN: Verdict = {
  code: 'invalid-argument',
  reason: 'REGISTRY_REFUSED',
  advice: 'the registry refuses it',
}

const STRANGE: Verdict = {
  code: 'failed-precondition',
  reason: 'REGISTRY_ANSWER_INVALID',
  advice: 'the answer is not one of a registry: check its address',
}

function notFoundReason(registryCode: string, subject: string): string {
  if (registryCode === 'NAME_UNKNOWN') return 'REPOSITORY_NOT_FOUND'
  const [kind = 'object'] = subject.split(' ')
  return `${kind.toUpperCase()}_NOT_FOUND`
}
