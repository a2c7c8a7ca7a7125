import { invalid, notFound } from '@caisson/api'
import type { ContainerTable } from '../store/container-table.ts'
import type { Container, ContainerState } from './container.ts'

const ID = /^[0-9a-f]{64}$/
const PREFIX = /^[0-9a-f]{1,63}$/

/** Finds containers by what people call them, and knows what is being done to them right now. */
export class Registry {
  readonly #table: ContainerTable
  readonly #phases = new Map<string, 'starting' | 'removing'>()
  readonly #reservedNames = new Set<string>()

  constructor(table: ContainerTable) {
    this.#table = table
  }

  /** By id, name or unique prefix of the id. CONTAINER_NOT_FOUND, or AMBIGUOUS_ID. */
  resolve(reference: string): Container {
    const found = ID.test(reference) ? this.#table.get(reference) : this.#table.getByName(reference)
    if (found) return found
    if (PREFIX.test(reference)) {
      const [first, second] = this.#table.findByPrefix(reference)
      if (second)
        throw invalid(`the id ${reference} fits more than one container: give more digits`, {
          reason: 'AMBIGUOUS_ID',
          details: { container: reference },
        })
      if (first) return first
    }
    throw notFound('container', reference)
  }

  /** By full id. CONTAINER_NOT_FOUND when it was removed meanwhile. */
  get(id: string): Container {
    const found = this.#table.get(id)
    if (!found) throw notFound('container', id)
    return found
  }

  /** Where it is in its life, as others are told. */
  stateOf(container: Container): ContainerState {
    return this.#phases.get(container.id) ?? container.state
  }

  /** Says that a container is in a passing state while `work` goes on. */
  async during<T>(id: string, phase: 'starting' | 'removing', work: () => Promise<T>): Promise<T> {
    this.#phases.set(id, phase)
    try {
      return await work()
    } finally {
      this.#phases.delete(id)
    }
  }

  isNameTaken(name: string): boolean {
    return this.#reservedNames.has(name) || this.#table.getByName(name) !== undefined
  }

  /** Keeps a free name until the container that bears it is on disk, or will never be. */
  reserveName(name: string): Disposable {
    this.#reservedNames.add(name)
    return { [Symbol.dispose]: () => this.#reservedNames.delete(name) }
  }
}
