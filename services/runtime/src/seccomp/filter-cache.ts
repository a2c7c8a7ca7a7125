import { type CompileOptions, compileSeccomp, type SeccompFilter } from './compile.ts'
import type { SeccompProfile } from './profile.ts'

const MAX_FILTERS = 64

/** Compiled filters by everything that they depend on; the ones least recently asked for are dropped. */
export class SeccompFilterCache {
  readonly #filters = new Map<string, SeccompFilter>()

  compile(profile: SeccompProfile, options: CompileOptions): SeccompFilter {
    const key = keyOf(profile, options)
    const filter = this.#filters.get(key) ?? compileSeccomp(profile, options)
    this.#filters.delete(key)
    this.#filters.set(key, filter)
    const oldest = this.#filters.keys().next()
    if (this.#filters.size > MAX_FILTERS && oldest.done !== true) this.#filters.delete(oldest.value)
    return filter
  }
}

function keyOf(profile: SeccompProfile, options: CompileOptions): string {
  const architectures = [options.architecture, ...(options.extraArchitectures ?? [])]
  return [
    profile.key,
    options.kernel.join('.'),
    architectures.join('+'),
    [...options.capabilities].sort().join('+'),
  ].join(' ')
}
