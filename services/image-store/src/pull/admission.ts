import type { Document } from '../image/document.ts'
import type { Repository } from '../registry/ports.ts'

export interface AdmissionQuestion {
  /** The name as it is stored, or repository@digest. */
  readonly reference: string
  /** What the reference means: indexes, the outermost first, and last the manifest. */
  readonly chain: readonly Document[]
  /** Where what speaks for the image may be found. */
  readonly fetch: Repository
  readonly signal: AbortSignal
}

/** Says whether an image may come in. Asked before a layer is fetched, and before a name is moved to it. */
export interface Admission {
  /** Throws when it may not. */
  check(question: AdmissionQuestion): Promise<unknown>
}
