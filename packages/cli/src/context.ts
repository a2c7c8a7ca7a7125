import type { Layout } from '@caisson/api/layout'
import type { Engine } from './engine.ts'
import type { Installation } from './installation.ts'
import type { Output } from './output/output.ts'

/** What an action works with. */
export interface Context {
  readonly layout: Layout
  readonly out: Output
  /** The engine's services; connects when it is first used. */
  readonly engine: Engine
  readonly installation: Installation
  /** How the user reaches this engine: 'caisson --root /x'. */
  readonly command: string
  readonly debug: boolean
  /** Aborted by SIGINT and SIGTERM, unless an action takes the signals itself. */
  readonly signal: AbortSignal
  /** Hands SIGINT and SIGTERM to the action: `signal` is not aborted by them any more. */
  readonly takeSignals: () => void
}
