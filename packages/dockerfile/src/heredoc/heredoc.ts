import type { Range } from '../lex/position.ts'

/** A document that follows its instruction, up to a line that holds its name alone. */
export interface Heredoc {
  readonly name: string
  /** As written: with the tabs that `<<-` is there to take away. */
  readonly content: string
  /** `<<-`: leading tabs do not count. */
  readonly stripTabs: boolean
  /** Variables in it are expanded, where the instruction does so: its name was not quoted. */
  readonly expand: boolean
  /** The number before `<<`, which is the shell's business. */
  readonly descriptor: number
  /** Of the `<<NAME` that called for it. */
  readonly range: Range
}

/** What is meant: without leading tabs for `<<-`. */
export function heredocText(heredoc: Pick<Heredoc, 'content' | 'stripTabs'>): string {
  return heredoc.stripTabs ? heredoc.content.replace(/^\t+/gm, '') : heredoc.content
}
