import { createHash } from 'node:crypto'

/** A short name of an engine, from where its state is: several live side by side on a host. */
export function engineName(stateDir: string): string {
  return createHash('sha256').update(stateDir).digest('hex').slice(0, 12)
}
