import type { Range } from '../lex/position.ts'
import type { RuleName } from './rules.ts'

/** What a check found. */
export interface Finding {
  readonly rule: RuleName
  readonly message: string
  readonly range: Range
}
