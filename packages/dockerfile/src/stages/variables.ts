import { DockerfileError } from '../dockerfile-error.ts'
import type { Range } from '../lex/position.ts'
import { MAX_VARIABLES } from '../limits.ts'
import type { Pair } from './resolved.ts'
import type { StageState } from './stage-state.ts'

/** ENV and ARG of a stage while it is evaluated. */
export class Variables {
  readonly #values: Map<string, string>
  readonly #unset: Set<string>
  #pairs: readonly Pair[] | undefined
  #names: readonly string[] | undefined

  constructor(state: StageState) {
    this.#values = new Map(state.variables)
    this.#unset = new Set(state.unset)
  }

  get(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** Set, or declared by an ARG without a value. */
  isKnown(name: string): boolean {
    return this.#values.has(name) || this.#unset.has(name)
  }

  /** The same list until one changes. */
  names(): readonly string[] {
    this.#names ??= [...this.#values.keys(), ...this.#unset]
    return this.#names
  }

  /** Throws TOO_LARGE. */
  set(name: string, value: string, range: Range): void {
    this.#values.set(name, value)
    this.#forget()
    if (this.#values.size > MAX_VARIABLES) throw tooMany(range)
  }

  declare(name: string, range: Range): void {
    this.#unset.add(name)
    this.#forget()
    if (this.#unset.size > MAX_VARIABLES) throw tooMany(range)
  }

  remove(name: string): void {
    this.#values.delete(name)
    this.#forget()
  }

  /** All that are set; the same list until one changes. */
  pairs(): readonly Pair[] {
    this.#pairs ??= [...this.#values]
    return this.#pairs
  }

  #forget(): void {
    this.#pairs = undefined
    this.#names = undefined
  }

  snapshot(): Pick<StageState, 'variables' | 'unset'> {
    return { variables: new Map(this.#values), unset: new Set(this.#unset) }
  }
}

function tooMany(range: Range): DockerfileError {
  return new DockerfileError('TOO_LARGE', `the stage has more than ${MAX_VARIABLES} variables`, range)
}
