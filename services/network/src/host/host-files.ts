import { readFileSync } from 'node:fs'
import { hasCode } from '../kernel/netlink-socket.ts'

const FRESH_MS = 1_000

/** Small text files of the host, read at most once a second: starts of containers read them over and over. */
export class HostFiles {
  readonly #read = new Map<string, { readonly content: string; readonly until: number }>()

  /** Empty when there is no such file. */
  read(file: string): string {
    const known = this.#read.get(file)
    if (known !== undefined && performance.now() < known.until) return known.content
    const content = readOptional(file)
    this.#read.set(file, { content, until: performance.now() + FRESH_MS })
    return content
  }
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}
