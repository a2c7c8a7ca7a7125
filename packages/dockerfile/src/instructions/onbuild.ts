import { DockerfileError, shown } from '../dockerfile-error.ts'
import { cutStatement, type Statement } from '../lex/statement.ts'
import { Flags } from './flags.ts'
import type { Instruction, OnbuildInstruction } from './instruction.ts'
import { baseOf, requireArguments } from './statement-parts.ts'

const NOT_ALLOWED: ReadonlySet<string> = new Set(['FROM', 'MAINTAINER', 'ONBUILD', 'UNSET'])

/** `ONBUILD INSTRUCTION`: the trigger is read now, so that what is wrong with it shows here. Throws TRIGGER_INVALID. */
export function parseOnbuild(statement: Statement, parse: (trigger: Statement) => Instruction): OnbuildInstruction {
  Flags.read(statement, {})
  requireArguments(statement, 'an instruction')
  const { heredocs, comments, range, args } = statement
  const inner = { ...cutStatement(args), heredocs, comments, range: { start: args.range.start, end: range.end } }
  checkTrigger(inner)
  const documents = heredocs.map(({ content, name }) => `\n${content}${name}`)
  return {
    ...baseOf(statement),
    name: 'ONBUILD',
    trigger: parse(inner),
    expression: args.text + documents.join(''),
  }
}

/** Throws TRIGGER_INVALID for what may not be one. */
export function checkTrigger(statement: Statement): void {
  const name = statement.keyword.text.toUpperCase()
  if (!NOT_ALLOWED.has(name)) return
  const why = name === 'UNSET' ? 'other builders, which will run the trigger, do not know it' : 'it cannot be put off'
  throw new DockerfileError('TRIGGER_INVALID', `${shown(name)} may not follow ONBUILD: ${why}`, statement.keyword.range)
}
