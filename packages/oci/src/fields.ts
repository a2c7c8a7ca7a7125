import { OciFormatError, shown } from './format-error.ts'

/**
 * Reads the members of a JSON object one by one, each checked. Only the object's own members count, and null counts as
 * absent: that is how Go programs write it. Errors carry the reason that the reader was made with.
 */
export class Fields {
  readonly at: string
  readonly #object: Readonly<Record<string, unknown>>
  readonly #reason: string

  constructor(json: unknown, at: string, reason: string) {
    this.at = at
    this.#reason = reason
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw this.error('', 'is not an object')
    this.#object = json as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  get(name: string): unknown {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined
    return value === null ? undefined : value
  }

  names(): string[] {
    return Object.keys(this.#object)
  }

  string(name: string, maxLength = 4096): string {
    return this.optionalString(name, maxLength) ?? this.#missing(name)
  }

  optionalString(name: string, maxLength = 4096): string | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : this.#text(value, name, maxLength)
  }

  integer(name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    return this.optionalInteger(name, least, most) ?? this.#missing(name)
  }

  optionalInteger(name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
    throw this.error(name, `is ${shown(String(value))}, not a whole number from ${least} to ${most}`)
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.get(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.error(name, 'is neither true nor false')
  }

  /** A missing list is an empty one. */
  list<T>(name: string, maxItems: number, read: (item: unknown, at: string) => T): T[] {
    const value = this.get(name) ?? []
    if (!Array.isArray(value)) throw this.error(name, 'is not a list')
    this.#limit(name, value.length, maxItems)
    return value.map((item, n) => read(item, this.#path(`${name}[${n}]`)))
  }

  strings(name: string, maxItems: number, maxLength = 4096): string[] {
    return this.list(name, maxItems, (item, at) => this.#text(item, at.slice(this.at.length + 1), maxLength))
  }

  /** A missing map is an empty one. */
  stringMap(name: string, maxItems: number, maxLength = 65_536): Readonly<Record<string, string>> {
    const map = this.optionalFields(name)
    if (map === undefined) return {}
    const names = map.names()
    this.#limit(name, names.length, maxItems)
    if (names.includes('__proto__')) throw this.error(name, 'has a member that is called __proto__')
    return Object.fromEntries(names.map((key) => [key, map.optionalString(key, maxLength) ?? '']))
  }

  optionalFields(name: string): Fields | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : new Fields(value, this.#path(name), this.#reason)
  }

  fields(name: string): Fields {
    return this.optionalFields(name) ?? this.#missing(name)
  }

  error(name: string, problem: string): OciFormatError {
    const path = name === '' ? this.at : this.#path(name)
    return new OciFormatError(this.#reason, path, `${path} ${problem}`)
  }

  #text(value: unknown, name: string, maxLength: number): string {
    if (typeof value !== 'string') throw this.error(name, 'is not a string')
    if (value.length > maxLength)
      throw this.error(name, `has ${value.length} characters; at most ${maxLength} are allowed`)
    if (value.includes('\0')) throw this.error(name, 'holds a NUL character')
    return value
  }

  #limit(name: string, count: number, most: number): void {
    if (count <= most) return
    const path = this.#path(name)
    throw new OciFormatError('LIMIT_EXCEEDED', path, `${path} has ${count} entries; at most ${most} are allowed`)
  }

  #missing(name: string): never {
    throw this.error(name, 'is missing')
  }

  #path(name: string): string {
    return `${this.at}.${name}`
  }
}
