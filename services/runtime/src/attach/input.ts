import type { TerminalSize } from '../container/spec.ts'

/** What a client that is attached may say. */
export type AttachInput =
  | { readonly kind: 'stdin'; readonly data: Buffer }
  | { readonly kind: 'stdinEnd' }
  | { readonly kind: 'resize'; readonly size: TerminalSize }
  /** By name or number. */
  | { readonly kind: 'signal'; readonly signal: string }
