import { CaissonError, type ErrorCode } from '@caisson/api'
import { LayerError, type LayerReason } from './layer-error.ts'

interface Answer {
  readonly code: ErrorCode
  readonly reason: string
  readonly advice: string
}

/** What callers are told of each reason that the helper may give for one kind of work; IO stands for those left out. */
export interface Failures {
  readonly of: Readonly<Partial<Record<LayerReason, Answer>>>
  /** What failed, when the insides are not told. */
  readonly internally: string
  /** Begins what is told otherwise. Empty: nothing does. */
  readonly otherwise: string
}

const IO: Answer = { code: 'internal', reason: 'INTERNAL', advice: 'see the log of the service' }

/** Work with the helper, whose errors become those that callers are told. Others stay as they are. */
export function telling(failures: Failures) {
  const toCaissonError = (thrown: unknown): unknown => {
    if (!(thrown instanceof LayerError)) return thrown
    const { code, reason, advice } = failures.of[thrown.reason] ?? IO
    const told = failures.otherwise === '' ? thrown.message : `${failures.otherwise}: ${thrown.message}`
    const message = `${code === 'internal' ? failures.internally : told}: ${advice}`
    const details = thrown.path === '' ? {} : { path: thrown.path.slice(0, 1024) }
    return new CaissonError(code, message, { reason, details, cause: thrown })
  }
  return {
    async one<T>(work: () => Promise<T>): Promise<T> {
      try {
        return await work()
      } catch (thrown) {
        throw toCaissonError(thrown)
      }
    },
    async *many<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
      try {
        yield* items
      } catch (thrown) {
        throw toCaissonError(thrown)
      }
    },
  }
}
