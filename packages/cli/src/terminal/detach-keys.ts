import { invalid } from '@caisson/api/error'

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q'

/** Reads --detach-keys: characters and ctrl-X, with commas between. Empty: no keys detach. */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0)
  return Buffer.from(text.split(',').map((key) => keyByte(text, key)))
}

function keyByte(text: string, key: string): number {
  if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0)
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1]
  if (control === undefined)
    throw invalid(`--detach-keys: '${text}' is not a list of keys: write it as ctrl-p,ctrl-q`, { reason: 'USAGE' })
  return control.toUpperCase().charCodeAt(0) & 0x1f
}

/** Looks for the detach keys in what is typed. Keys that may begin them are held back until the next key decides. */
export class DetachKeys {
  readonly #keys: Buffer
  #matched = 0

  constructor(keys: Buffer) {
    this.#keys = keys
  }

  /** Returns what goes on to the container, and whether the keys were pressed; what stands behind them is dropped. */
  feed(typed: Buffer): { forward: Buffer; detached: boolean } {
    if (this.#keys.length === 0) return { forward: typed, detached: false }
    const forward: number[] = []
    for (const byte of typed) {
      this.#step(byte, forward)
      if (this.#matched === this.#keys.length) return { forward: Buffer.from(forward), detached: true }
    }
    return { forward: Buffer.from(forward), detached: false }
  }

  #step(byte: number, forward: number[]): void {
    while (this.#keys[this.#matched] !== byte) {
      if (this.#matched === 0) {
        forward.push(byte)
        return
      }
      this.#fallBack(forward)
    }
    this.#matched += 1
  }

  /** The keys so far were not the beginning: give out as few as let the rest be a beginning still. */
  #fallBack(forward: number[]): void {
    for (let length = this.#matched - 1; length >= 0; length -= 1) {
      const given = this.#matched - length
      if (this.#keys.subarray(given, this.#matched).equals(this.#keys.subarray(0, length))) {
        forward.push(...this.#keys.subarray(0, given))
        this.#matched = length
        return
      }
    }
  }
}
