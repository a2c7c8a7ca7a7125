import type { Position, Range } from './lex/position.ts'

/** Stable words for what is wrong. */
export type DockerfileErrorCode =
  | 'TEXT_INVALID'
  | 'TOO_LARGE'
  | 'EMPTY'
  | 'DIRECTIVE_INVALID'
  | 'DIRECTIVE_DUPLICATE'
  | 'CHECK_OPTION_INVALID'
  | 'UNKNOWN_INSTRUCTION'
  | 'ARGUMENT_MISSING'
  | 'ARGUMENT_UNEXPECTED'
  | 'ARGUMENT_INVALID'
  | 'FLAG_UNKNOWN'
  | 'FLAG_DUPLICATE'
  | 'FLAG_INVALID'
  | 'MOUNT_INVALID'
  | 'HEREDOC_UNTERMINATED'
  | 'HEREDOC_INVALID'
  | 'TRIGGER_INVALID'
  | 'NO_STAGE'
  | 'STAGE_NAME_INVALID'
  | 'STAGE_UNKNOWN'
  | 'STAGE_CYCLE'
  | 'BASE_INVALID'
  | 'EXPANSION_INVALID'
  | 'EXPANSION_TOO_LARGE'
  | 'VARIABLE_REQUIRED'
  | 'IGNORE_PATTERN_INVALID'

/**
 * What is wrong with a Dockerfile, and what to do about it. The place is absent only where there is none to point at (a
 * target that was asked for, an image's own trigger).
 */
export class DockerfileError extends Error {
  readonly code: DockerfileErrorCode
  readonly range: Range | undefined
  /** The line that `range` begins in, cut to what fits a terminal; withExcerpt gives it. */
  readonly excerpt: string | undefined

  constructor(code: DockerfileErrorCode, message: string, range?: Range, excerpt?: string) {
    super(message)
    this.name = 'DockerfileError'
    this.code = code
    this.range = range
    this.excerpt = excerpt
  }

  get line(): number | undefined {
    return this.range?.start.line
  }

  get column(): number | undefined {
    return this.range?.start.column
  }
}

/** A range that covers nothing. */
export function pointRange(position: Position): Range {
  return { start: position, end: position }
}

const SHOWN_CHARACTERS = 80

/** A hostile string in a form that is safe to show: quoted, escaped and cut. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}
