import { parseSize } from './numbers.ts'
import { refuse } from './refusal.ts'

/** --storage-opt size=10G: bytes, the last one counts. Undefined: none was given. */
export function parseStorage(options: readonly string[]): number | undefined {
  let bytes: number | undefined
  for (const option of options) {
    if (!option.startsWith('size=')) throw refuse('--storage-opt', option, 'is not known: there is size=')
    bytes = parseSize('--storage-opt size', option.slice('size='.length))
  }
  return bytes
}
