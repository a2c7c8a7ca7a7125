import { MAX_EXPANSION, MAX_PATTERN_STEPS } from '../limits.ts'

/** What the expansions of one stage may still cost. A hostile file doubles a value line by line; this ends that. */
export class Budget {
  #characters = MAX_EXPANSION
  #steps = MAX_PATTERN_STEPS

  /** False once too much was asked for. */
  takeCharacters(count: number): boolean {
    this.#characters -= count
    return this.#characters >= 0
  }

  takeSteps(count: number): boolean {
    this.#steps -= count
    return this.#steps >= 0
  }
}
