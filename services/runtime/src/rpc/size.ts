import { invalid } from '@caisson/api'
import type { TerminalSize } from '@caisson/api/container'
import type { TerminalSize as Size } from '../container/spec.ts'

const MAX_SIDE = 0xffff

/** A size of a terminal, both sides of it at least 1. */
export function toSize(size: TerminalSize | undefined): Size {
  const { rows, columns } = size ?? { rows: 0, columns: 0 }
  if (rows < 1 || columns < 1 || rows > MAX_SIDE || columns > MAX_SIDE)
    throw invalid(`a terminal cannot have ${rows} lines of ${columns} characters: give 1 to ${MAX_SIDE} each`)
  return { rows, columns }
}
