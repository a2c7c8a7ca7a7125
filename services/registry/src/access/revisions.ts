import { CaissonError } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'

const TRIES = 8

export const isChangedMeanwhile = (error: unknown): boolean =>
  error instanceof CaissonError && error.reason === 'DOCUMENT_CHANGED'

/** What a change gives back when there is to be no document. */
export const NO_DOCUMENT = Symbol('no document')

/**
 * Reads, changes and writes a document until nobody came between. `change` gets undefined when there is none, may throw,
 * and gives back undefined to leave everything as it is, or NO_DOCUMENT to remove it.
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
    const expected = found === undefined ? 'absent' : { version: found.version }
    try {
      if (value !== NO_DOCUMENT) await documents.put(at.collection, at.key, value, expected)
      else if (found !== undefined) await documents.delete(at.collection, at.key, expected)
      return
    } catch (error) {
      if (left <= 1 || !isChangedMeanwhile(error)) throw error
    }
  }
}
