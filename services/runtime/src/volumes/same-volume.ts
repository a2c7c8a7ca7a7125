import { alreadyExists, conflict } from '@caisson/api'
import type { Volume, VolumeDraft } from './volume.ts'

/** What a request made, asked for once more. REQUEST_ID_REUSED when it asks for something else. */
export function earlierOf(earlier: Volume, draft: VolumeDraft): Volume {
  const isSame = (draft.name === '' ? earlier.anonymous : earlier.name === draft.name) && isAlike(earlier, draft)
  if (isSame) return earlier
  throw conflict('REQUEST_ID_REUSED', 'the request id made something else before: use another', {
    details: { volume: earlier.name },
  })
}

/** The volume that is there, asked for by name. VOLUME_EXISTS when it is another. */
export function sameAs(known: Volume, draft: VolumeDraft): Volume {
  if (isAlike(known, draft)) return known
  throw alreadyExists(
    'volume',
    known.name,
    'it has another driver, other options or another quota: remove it first, or choose another name',
  )
}

function isAlike(one: Volume, other: VolumeDraft): boolean {
  const text = ({ driver, options, quotaBytes }: VolumeDraft): string =>
    JSON.stringify([driver, Object.entries(options).toSorted(), quotaBytes])
  return text(one) === text(other)
}
