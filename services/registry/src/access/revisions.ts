import { CaissonError } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'

const TRIES = 8

export const isChangedMeanwhile = (error: unknown): boolean =>
  error instanceof CaissonError && error.reason === 'DOCUMENT_CHANGED'

/**
 * Reads, changes and writes a document until nobody came between. `change` gets undefined when there is none, may throw,
 * and gives back undefined to leave everything as it is.
 */
export async function revise(
  documents: Documents,
  at: { readonly collection: string; readonly key: string },
  change: (value: unknown) => unknown,
): Promise<void> {
  for (let left = TRIES; ; left--) {
    const found = await documents.get(at.collection, at.key)
    const value = change(found?.value)
    if (value === undefined) return
    try {
      await documents.put(at.collection, at.key, value, found === undefined ? 'absent' : { version: found.version })
      return
    } catch (error) {
      if (left <= 1 || !isChangedMeanwhile(error)) throw error
    }
  }
}
