import { invalid } from '@caisson/api'

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/

/** Checks the key of a snapshot: it becomes the name of a folder. */
export function parseSnapshotKey(text: string): string {
  if (KEY.test(text)) return text
  throw invalid(
    `${JSON.stringify(text.slice(0, 200))} is not a snapshot key: use letters, digits and _.- , at most 128`,
    {
      reason: 'INVALID_KEY',
    },
  )
}
