import type { DigestAlgorithm } from '@caisson/oci'
import { loadAddon } from './load-addon.ts'

/** A digest that is being made. */
export type RunningHash = object & { readonly __hash: unique symbol }

/** Writes and hashes in threads of Node's pool. */
export interface PieceWriter {
  begin(algorithm: DigestAlgorithm): RunningHash
  copy(hash: RunningHash): RunningHash
  /** The digest of what was added so far, in hex. More can be added. */
  hex(hash: RunningHash): string
  /**
   * Writes the pieces one behind the other to the open file `file` from `offset` on, and adds them to the hash. Takes the
   * pieces over: the memory of those that share it with no other is given back at the end, and they are empty then. Rejects
   * with an Error with `code` (ENOSPC ...). Until the end the hash cannot be used: a TypeError is thrown.
   */
  write(hash: RunningHash | undefined, file: number, offset: number, pieces: readonly Buffer[]): Promise<void>
}

export const nativeWriter: PieceWriter = loadAddon('writer')
