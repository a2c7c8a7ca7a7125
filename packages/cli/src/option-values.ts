/** The options that were given, by their long names in camel case. */
export class OptionValues {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** Whether a flag was given. */
  flag(name: string): boolean {
    return this.#values[name] === true
  }

  /** A flag that may be absent. */
  maybeFlag(name: string): boolean | undefined {
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : undefined
  }

  /** The value of an option, undefined when it was not given. */
  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** The values of an option that may be repeated, in order. */
  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** The value of an option through a parser. */
  parsed<T>(name: string, parse: (value: string) => T): T | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : parse(value)
  }
}
