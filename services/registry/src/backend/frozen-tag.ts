import { conflict } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { TagName } from '../distribution/names.ts'

/** Throws TAG_IMMUTABLE when a frozen tag is to move. */
export function refuseMove(tag: TagName, present: Digest | undefined, wanted: Digest): void {
  if (present === undefined || present === wanted) return
  const message = `the tag ${tag} never moves once it is pushed: use another tag`
  throw conflict('TAG_IMMUTABLE', message, { details: { tag, digest: present } })
}
