import { randomBytes } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'

const BYTES = 8

/**
 * Eight bytes in a file that are others whenever a name, a digest or an id may mean another image: before the change is
 * acknowledged. Who prepared something ahead, on this host, sees with one read whether it still is what was asked for. They
 * begin anywhere with every start of the service.
 */
export class LookupVersion {
  readonly path: string
  readonly #file: number
  #number = BigInt(`0x${randomBytes(BYTES - 1).toString('hex')}`)

  constructor(path: string) {
    this.path = path
    this.#file = openSync(path, 'w', 0o600)
    this.next()
  }

  /** What is in the file now. */
  get bytes(): Buffer {
    const bytes = Buffer.alloc(BYTES)
    bytes.writeBigUInt64LE(this.#number)
    return bytes
  }

  next(): void {
    this.#number += 1n
    writeSync(this.#file, this.bytes, 0, BYTES, 0)
  }
}
