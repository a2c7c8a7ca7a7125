import { type CaissonError, failedPrecondition } from '@caisson/api'
import { parseJson, parseTag } from '@caisson/oci'
import { z } from 'zod'
import { pages } from './pages.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'

const PAGE = '1000'
const MAX_PAGE_BYTES = 4 << 20

const pageSchema = z.object({ tags: z.array(z.string()).nullish() })

/** Every tag once a page; what is no tag is passed over. */
export async function* listTags(session: Session, signal: AbortSignal): AsyncGenerator<string> {
  const request = { method: 'GET', target: '/tags/list', query: { n: PAGE }, isRepeatable: true } as const
  for await (const response of pages(session, request, signal)) {
    if (response.status !== 200) throw await refusal(session, response, 'tags')
    const page = pageSchema.safeParse(parse(session, await response.bytes(MAX_PAGE_BYTES)))
    if (!page.success) throw strange(session)
    yield* (page.data.tags ?? []).filter(isTag)
  }
}

function isTag(text: string): boolean {
  try {
    parseTag(text)
    return true
  } catch {
    return false
  }
}

function parse(session: Session, bytes: Buffer): unknown {
  try {
    return parseJson(bytes, { subject: 'list of tags', maxBytes: MAX_PAGE_BYTES })
  } catch {
    throw strange(session)
  }
}

function strange(session: Session): CaissonError {
  return failedPrecondition('REGISTRY_ANSWER_INVALID', `${session.endpoint.host} answers with no list of tags`)
}
